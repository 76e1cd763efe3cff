"""Challenges as data: what WWW-Authenticate asks for; never the answer.

Source: RFC 9110 sections 11.2, 11.3 and 11.6.1.
"""

import re
from collections.abc import Mapping

from .declared import NamedTuple
from .fields import unquoted
from .headers import TOKEN

_END = r"[ \t]*(?:,|\Z)"
_GAP = re.compile(r"[ \t,]*")
_PARAMETER = re.compile(rf'({TOKEN})[ \t]*=[ \t]*("(?:[^"\\]|\\.)*+"|{TOKEN}){_END}', re.DOTALL)
_SCHEME = re.compile(rf"({TOKEN})(?:[ \t]+([A-Za-z0-9\-._~+/]+=*)(?={_END}))?(?=[ \t,]|\Z)")


class Challenge(NamedTuple):
    """One challenge: its scheme in lower case, its token68 ("" for none), its parameters by lower-case name."""

    scheme: str
    token68: str
    parameters: Mapping[str, str]


def parse_challenges(value: str) -> list[Challenge]:
    """The challenges of WWW-Authenticate or Proxy-Authenticate in order; what is none is left out.

    Of repeated parameters the first wins. Parameters of fields without a scheme, such as Authentication-Info, come
    under the scheme "".
    """
    found: list[tuple[str, str, dict[str, str]]] = []
    at = _end_of_gap(value, 0)
    while at < len(value):
        parameter = _PARAMETER.match(value, at)
        if parameter is not None:
            if not found:
                found.append(("", "", {}))
            found[-1][2].setdefault(parameter[1].lower(), unquoted(parameter[2]))
            at = parameter.end()
        elif (scheme := _SCHEME.match(value, at)) is not None:
            found.append((scheme[1].lower(), scheme[2] or "", {}))
            at = scheme.end()
        else:  # not readable up to the next comma
            comma = value.find(",", at)
            at = len(value) if comma < 0 else comma + 1
        at = _end_of_gap(value, at)
    return [Challenge(*each) for each in found]


def _end_of_gap(value: str, at: int) -> int:
    gap = _GAP.match(value, at)
    assert gap is not None  # it matches nothing at all, too
    return gap.end()
