"""Incremental decoders, sans-IO: bytes in, bytes out, or one of our errors."""
