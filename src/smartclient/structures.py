"""Mappings under requests' names."""

from typing import Any

from ._model.headers import Headers as CaseInsensitiveDict

__all__ = ["CaseInsensitiveDict", "LookupDict"]


class LookupDict(dict[str, Any]):
    """Names as attributes and by index, None for those that are not there; `dict` methods see none of them."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        super().__init__()

    def __repr__(self) -> str:
        return f"<lookup '{self.name}'>"

    def __getitem__(self, key: str) -> Any:
        return self.__dict__.get(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of the name `key`, else `default`."""
        return self.__dict__.get(key, default)
