"""Connections: bookkeeping, wire format, connecting, TLS, and the transport seam."""
