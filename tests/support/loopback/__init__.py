"""Servers for tests and benchmarks, all on loopback and ephemeral ports, and the clients that drive all three modes."""
