"""`install_as_requests`: has `import requests` mean smartclient, in the whole program, for libraries too."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["install_as_requests"]

KEPT_VERSION = "2.32.5"
"""The release of requests whose surface is kept."""
_MODULES = (
    *("adapters", "api", "auth", "certs", "compat", "cookies", "exceptions", "hooks", "models", "packages"),
    *("sessions", "status_codes", "structures", "utils"),
)


def install_as_requests(*, force: bool = False) -> None:
    """From now on `import requests` gives smartclient: for programs, never for libraries.

    To be called before anything imports requests. Then isinstance, except clauses and subclasses in libraries mean
    the classes of smartclient. `requests.__version__` is that of the release whose surface is kept.

    Args:
        force: also when requests is loaded; what has its classes already keeps them.

    Raises:
        RuntimeError: requests is loaded, and not `force`.
    """
    loaded = sys.modules.get("requests")
    if loaded is not None and not force:
        if getattr(loaded, "__smartclient__", False):
            return
        raise RuntimeError("requests is imported already: call install_as_requests() first, or with force=True")
    for name in [name for name in sys.modules if name.partition(".")[0] == "requests"]:
        del sys.modules[name]
    sys.modules["requests"] = _module()
    for name in _MODULES:
        sys.modules[f"requests.{name}"] = import_module(f"smartclient.{name}")
    for path, module in list(sys.modules.items()):
        if path.startswith("smartclient.packages."):
            sys.modules[path.replace("smartclient", "requests", 1)] = module
    sys.modules["requests.__version__"] = version = ModuleType("requests.__version__")
    version.__dict__.update(_about())


def _about() -> dict[str, Any]:
    return {"__version__": KEPT_VERSION, "__title__": "requests", "__build__": 0x023205}


def _module() -> ModuleType:
    """The package, whose names are looked up in smartclient."""
    import smartclient

    def find(name: str) -> Any:
        return getattr(smartclient, name)

    module = ModuleType("requests", "smartclient in the place of requests.")
    module.__dict__.update(_about(), __smartclient__=True, __getattr__=find, __all__=list(smartclient.__all__))
    module.__path__ = []
    module.__spec__ = ModuleSpec("requests", None, is_package=True)
    return module
