"""Credentials for `auth=`: basic, digest and bearer, and the base of callers' own."""

from ._api.auth import HTTPBasicAuth, HTTPProxyAuth
from ._api.auth import basic_auth_text as _basic_auth_str
from ._model.auth import AuthBase
from ._pipeline.bearer import BearerAuth
from ._pipeline.digest import HTTPDigestAuth

CONTENT_TYPE_FORM_URLENCODED = "application/x-www-form-urlencoded"
CONTENT_TYPE_MULTI_PART = "multipart/form-data"

__all__ = ["AuthBase", "BearerAuth", "HTTPBasicAuth", "HTTPDigestAuth", "HTTPProxyAuth", "_basic_auth_str"]
