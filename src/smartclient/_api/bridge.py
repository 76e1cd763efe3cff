"""What `exceptions.bridge` does: classes of requests as further bases of ours, by name; nothing else is touched."""

from importlib import import_module
from typing import Any

from .._model import answer_errors, errors


def add_bases() -> None:
    """Gives each error that requests has a class for that class as its last base.

    Raises:
        ImportError: requests is not installed.
    """
    theirs: Any = import_module("requests.exceptions")

    if theirs.RequestException is errors.RequestException:
        return  # it is us already
    for name, ours in (vars(errors) | vars(answer_errors)).items():
        base: Any = getattr(theirs, name, None)
        if not (isinstance(ours, type) and issubclass(ours, errors.RequestException) and isinstance(base, type)):
            continue
        if name == ours.__name__ and not issubclass(ours, base):
            house = [each for each in ours.__bases__ if issubclass(each, errors.RequestException)]
            ours.__bases__ = (*house, base, *(each for each in ours.__bases__ if each not in house))
