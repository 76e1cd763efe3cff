"""Where this package keeps files of its own, by platform: stored responses, and state such as cookies."""

import os
from sys import platform

DIRECTORY = "SMARTCLIENT_CACHE_DIR"
_NAME = "smartclient"


def cache_folder() -> str:
    """The folder that SMARTCLIENT_CACHE_DIR names, else that of the user's caches."""
    return os.environ.get(DIRECTORY) or _user_folder("XDG_CACHE_HOME", ".cache", "user_cache_dir")


def state_folder() -> str:
    """The folder of what is no cache."""
    return _user_folder("XDG_STATE_HOME", os.path.join(".local", "state"), "user_state_dir")


def _user_folder(variable: str, default: str, function: str) -> str:
    if platform == "linux":
        # What platformdirs says too, without the 9 ms that loading it takes (XDG Base Directory Specification).
        base = os.environ.get(variable, "").strip() or os.path.join(os.path.expanduser("~"), default)
        return os.path.join(base, _NAME)
    import platformdirs

    return str(getattr(platformdirs, function)(_NAME, appauthor=False))
