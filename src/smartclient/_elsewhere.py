"""Names that modules of requests have from one another, and that programs therefore import from the wrong one."""

from importlib import import_module
from typing import Any

_HOMES = (
    "exceptions",
    "structures",
    "models",
    "cookies",
    "auth",
    "hooks",
    "status_codes",
    "utils",
    "compat",
    "adapters",
)


def found_elsewhere(module: str, name: str) -> Any:
    """What `name` is in whichever public module has it.

    Raises:
        AttributeError: none has.
    """
    for home in _HOMES:
        each = import_module(f".{home}", __package__)
        if name in vars(each) and name[:2] != "__" and each.__name__ != module:
            return vars(each)[name]
    raise AttributeError(f"module {module!r} has no attribute {name!r}")
