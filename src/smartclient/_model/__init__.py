"""Nouns of HTTP: immutable values and the errors. No I/O, no clock, no dice."""
