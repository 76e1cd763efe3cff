"""What the environment says of proxies and TLS, read at each call, since programs change it while they run; never kept.

Looking at `os.environ` costs 0.7 us for each name, for it encodes names and decodes values: the common answer, that
nothing is set, is found in the mapping beneath it, for all names at once.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

from .._model.proxy import Environment
from .._rules.proxy import VARIABLES, environment_from
from .netrc import FOUND
from .tls import TLS_VARIABLES

ENVIRON = os.environ
_beneath: Mapping[Any, Any] = getattr(os.environ, "_data", os.environ)
_encoded = getattr(os.environ, "encodekey", str)
_about_proxies = frozenset(map(_encoded, VARIABLES))
_about_tls = tuple(map(_encoded, TLS_VARIABLES))
_NETRC = _encoded("NETRC")
_NOTHING = (None,) * len(_about_tls)
_none_of = _beneath.keys().isdisjoint
is_silent = partial(_none_of, _about_proxies.union(_about_tls, (_NETRC,)))
"""Whether `ENVIRON` says nothing of either, nor of a netrc file: the look that every call takes."""
_at_most_tls = partial(_none_of, _about_proxies.union((_NETRC,)))


def environment() -> tuple[Environment | None, tuple[Any, ...] | None]:
    """What the environment says of proxies now, and what stands in the variables about TLS; None for nothing.

    The latter is only to be compared with what stood there before.
    """
    if os.environ is not ENVIRON:  # somebody put another mapping in its place
        FOUND.look_now()
        return environment_from(os.environ), tuple(map(os.environ.get, TLS_VARIABLES))
    if _NETRC in _beneath:
        FOUND.look_now()
    tls = tuple(map(_beneath.get, _about_tls))
    return None if _none_of(_about_proxies) else environment_from(ENVIRON), None if tls == _NOTHING else tls


def constancy() -> Callable[[], bool] | None:
    """A quick look at whether `ENVIRON` still says what it says now; None where it says more than of TLS."""
    if os.environ is not ENVIRON or not _at_most_tls():
        return None
    named = [name for name in _about_tls if name in _beneath]
    if not named:
        return is_silent
    says_no_more = partial(_none_of, _about_proxies.union(_about_tls, (_NETRC,)).difference(named))
    values_of = itemgetter(*named)

    def unchanged() -> bool:
        try:
            return says_no_more() and bool(values_of(_beneath) == values)
        except KeyError:
            return False

    try:
        values = values_of(_beneath)
    except KeyError:  # another thread has just taken it out
        return None
    return unchanged
