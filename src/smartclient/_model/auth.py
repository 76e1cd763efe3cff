"""`AuthBase`, what every kind of credentials is to callers; never how they are sent."""

from typing import Any


class AuthBase:
    """Base of objects for `auth=`: called with a request that is about to be sent, they return it with credentials."""

    def __call__(self, r: Any) -> Any:
        raise NotImplementedError("Auth hooks must be callable.")
