"""`packages.urllib3`, `.idna` and `.chardet`, as programs import them through requests.

Each is the real package where it is installed. Without urllib3 there is a stand-in with what programs ask it for;
without chardet and charset-normalizer `chardet` is None.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def _first(*names: str) -> ModuleType | None:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def _known_here(module: ModuleType, name: str) -> ModuleType:
    """`module` and what it has loaded, also importable as `smartclient.packages.<name>`."""
    for path, each in list(sys.modules.items()):
        if path == module.__name__ or path.startswith(f"{module.__name__}."):
            sys.modules[f"{__name__}.{name}{path.removeprefix(module.__name__)}"] = each
    return module


def _urllib3() -> ModuleType:
    module = _first("urllib3")
    if module is None:
        from ._api import urllib3_stand_in

        return urllib3_stand_in.register(f"{__name__}.urllib3")
    import_module("urllib3.util.retry")
    return _known_here(module, "urllib3")


urllib3: Any = _urllib3()
idna: Any = _known_here(import_module("idna"), "idna")
_detector = _first("chardet", "charset_normalizer")
chardet: Any = None if _detector is None else _known_here(_detector, "chardet")

__all__ = ["chardet", "idna", "urllib3"]
