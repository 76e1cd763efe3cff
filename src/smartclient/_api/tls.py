"""What `verify=` and `cert=` mean, and what the environment says of trust where they say nothing."""

import os
import sys
from typing import Any
from weakref import WeakKeyDictionary

from .._model.errors import InsecureRequestWarning, InvalidOption
from .._model.options import DEFAULT_TLS, TLS, OwnContext, client_certificate, path_text

ISSUERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name the trusted issuers; the first one that is set counts."""
KEYLOG = "SSLKEYLOGFILE"
TLS_VARIABLES = (*ISSUERS, KEYLOG)

_categories: dict[Any, type[Warning]] = {}
_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def with_environment(tls: TLS, trust: bool) -> TLS:
    """`tls` with what the environment adds: the key log, and the trusted issuers where `trust` is left to it."""
    if tls.own is not None:
        return tls
    keylog = tls.keylog or os.environ.get(KEYLOG) or None
    ca = next(filter(None, map(os.environ.get, ISSUERS)), None) if trust else tls.ca
    return tls._replace(ca=ca, keylog=keylog)


def tls_from(verify: Any, cert: Any) -> TLS:
    """What `verify=` (None: nothing said) and `cert=` mean.

    Whether the files are there is looked at when a context is made of it: calls by http need none.

    Raises:
        InvalidOption: something that is no path.
    """
    if (verify is True or verify is None) and cert is None:
        return DEFAULT_TLS
    if isinstance(verify, TLS):
        return verify if cert is None or verify.cert is not None else verify._replace(cert=client_certificate(cert))
    ssl = sys.modules.get("ssl")
    if ssl is not None and isinstance(verify, ssl.SSLContext):
        if cert is not None:
            raise InvalidOption("cert: an SSLContext is used as it is; load the certificate into it")
        # By chance, not counted: stored responses are told apart by it, and other processes may read them.
        number = _numbers.setdefault(verify, int.from_bytes(os.urandom(8), "big"))
        checked = verify.verify_mode == ssl.CERT_REQUIRED and verify.check_hostname
        return TLS(checked, own=OwnContext(verify, number))
    if isinstance(verify, bool) or verify is None:
        return TLS(verify is not False, None, cert)
    ca = path_text("verify", verify)
    if not ca:  # it would mean the issuers that everybody trusts
        raise InvalidOption(f"Could not find a suitable TLS CA certificate bundle, invalid path: {ca}")
    return TLS(True, ca, cert)


def insecure_category() -> type[Warning]:
    """The category of warnings about unchecked certificates; where urllib3 is loaded, it is its own, too.

    Programs silence that one, by `urllib3.disable_warnings()`.
    """
    theirs = getattr(sys.modules.get("urllib3.exceptions"), "InsecureRequestWarning", None)
    if theirs is None or issubclass(InsecureRequestWarning, theirs):
        return InsecureRequestWarning
    if theirs not in _categories:
        _categories[theirs] = type("InsecureRequestWarning", (InsecureRequestWarning, theirs), {})
    return _categories[theirs]
