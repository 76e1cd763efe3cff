"""Where the program keeps what it keeps: the folders of the cache and of its state (cookies, HSTS), by platform."""

import os


def cache_folder() -> str:
    """The folder of the persistent cache, which Python shares by `Cache.default()`."""
    named = os.environ.get("SMARTCLIENT_CACHE_DIR")
    if named:
        return named
    from platformdirs import user_cache_dir

    return user_cache_dir("smartclient", appauthor=False)


def state_folder() -> str:
    """The folder of what is no cache: sessions' cookies, and hosts that want https."""
    from platformdirs import user_state_dir

    return user_state_dir("smartclient", appauthor=False)


def private_folder(path: str) -> str:
    """`path`, made for its owner only if it is not there."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path
