"""Where the trusted issuers are that calls use by default."""


def where() -> str:
    """Path of the file of certifi."""
    import certifi

    return certifi.where()


__all__ = ["where"]
