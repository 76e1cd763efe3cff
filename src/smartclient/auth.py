"""Credentials for `auth=`: basic, digest and bearer, and the base of callers' own.

`auth=` of a session or a call also takes a (user, password) pair, any function of a prepared request that returns it,
and any generator function, or object with such a method `auth_flow`:

>>> def signed_in(request):
...     response = yield request
...     if response.status_code == 401:
...         request.headers["X-Key"] = response.headers["X-Hint"]
...         yield request

Each `yield` sends a request, which may also be another one, and gives its response; all of it happens inside the
deadline of the call. The last response is that of the call, the others are in its history. The same functions serve
Session and AsyncSession; in the latter a function of a request may be an `async def`.
"""

from ._api.auth import HTTPBasicAuth, HTTPProxyAuth
from ._api.auth import basic_auth_text as _basic_auth_str
from ._model.auth import AuthBase
from ._pipeline.bearer import BearerAuth
from ._pipeline.digest import HTTPDigestAuth

CONTENT_TYPE_FORM_URLENCODED = "application/x-www-form-urlencoded"
CONTENT_TYPE_MULTI_PART = "multipart/form-data"

__all__ = ["AuthBase", "BearerAuth", "HTTPBasicAuth", "HTTPDigestAuth", "HTTPProxyAuth", "_basic_auth_str"]
