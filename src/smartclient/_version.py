"""The version of the package, and nothing else: the build reads it from here."""

__version__ = "0.1.0.dev0"
