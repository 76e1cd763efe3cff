"""One table of exchanges with a cache; each row names the section that says how it must come out.

A row is a story over the cache stage: what is asked, what the origin would answer, and how each call ends: status,
content, and whose it is (network, cache, revalidated). "asked" in an ending means that the origin had no answer ready.
"""

import re
from math import inf
from typing import Any, NamedTuple

import pytest

from cache_world import START, URI, World, whole
from smartclient._model.errors import ConnectionError
from smartclient._model.fields import format_http_date
from smartclient._model.policy import CachePolicy

Lines = dict[str, Any]


class Call(NamedTuple):
    """A request, what the origin would answer, and how it must end."""

    ending: str
    answer: Any = None
    fields: Lines | None = None
    method: str = "GET"
    uri: str = URI
    after: float = 0.0


class Row(NamedTuple):
    source: str
    name: str
    calls: tuple[Call, ...]
    policy: dict[str, Any]


def row(source: str, name: str, *calls: Call, **policy: Any) -> Row:
    return Row(source, name, calls, policy)


def lines_of(fields: Lines) -> list[tuple[str, str]]:
    return [(name, each) for name, value in fields.items() for each in (value if type(value) is list else [value])]


def ok(cache_control: str | list[str] | None = None, body: str = "one", status: int = 200, **fields: Any) -> Any:
    """An answer of the origin; `_` in names of fields is `-`."""
    lines: Lines = {name.replace("_", "-"): value for name, value in fields.items()}
    if cache_control is not None:
        lines["Cache-Control"] = cache_control
    return status, lines, body


def get(
    ending: str, answer: Any = None, after: float = 0.0, method: str = "GET", uri: str = URI, **fields: Any
) -> Call:
    return Call(ending, answer, {name.replace("_", "-"): value for name, value in fields.items()}, method, uri, after)


NET, HIT, CONFIRMED = "200 one network", "200 one cache", "200 one revalidated"
NEW = "200 two network"
TWO = ok("max-age=60", "two")
FIRST = get(NET, ok("max-age=60"))
MISS = get(NEW, TWO)


def stored_and_hit(source: str, name: str, answer: Any, after: float = 0.0, **policy: Any) -> Row:
    status, _, body = answer
    return row(
        source, name, get(f"{status} {body} network", answer), get(f"{status} {body} cache", after=after), **policy
    )


def not_reused(source: str, name: str, answer: Any, after: float = 0.0, **policy: Any) -> Row:
    status, _, body = answer
    return row(source, name, get(f"{status} {body} network", answer), get(NEW, TWO, after), **policy)


def date(seconds: float) -> str:
    return format_http_date(START + seconds)


OLD = date(-100_000)

FRESHNESS = [
    stored_and_hit("RFC 9111 5.2.2.1", "max-age", ok("max-age=60"), 58),
    not_reused("RFC 9111 5.2.2.1", "max-age is over", ok("max-age=60"), 60),
    stored_and_hit("RFC 9111 5.2", "directives have no case", ok("MAX-AGE=60"), 58),
    stored_and_hit("RFC 9111 5.2", "arguments may be quoted", ok('max-age="60"'), 58),
    stored_and_hit("RFC 9111 4.2.1", "of repeated directives the first", ok("max-age=60, max-age=0")),
    not_reused("RFC 9111 4.2.1", "of repeated directives the first, which is 0", ok("max-age=0, max-age=60")),
    stored_and_hit("RFC 9111 4.2.1", "of repeated directives the first, by lines", ok(["max-age=60", "max-age=0"])),
    not_reused("RFC 9111 1.2.2", "negative max-age", ok("max-age=-1")),
    not_reused("RFC 9111 1.2.2", "fraction as max-age", ok("max-age=60.5")),
    not_reused("RFC 9111 1.2.2", "max-age without argument", ok("max-age")),
    not_reused("RFC 9111 1.2.2", "max-age in single quotes", ok("max-age='60'")),
    not_reused("RFC 9111 1.2.2", "max-age with a tail", ok("max-age=60s")),
    stored_and_hit("RFC 9111 1.2.2", "max-age beyond all numbers", ok("max-age=" + "9" * 40), 2.0**31 - 10),
    stored_and_hit("RFC 9111 1.2.2", "leading zeros", ok("max-age=0060"), 58),
    not_reused("RFC 9111 5.2", "a directive inside a quoted string is none", ok('x="max-age=60"')),
    stored_and_hit("RFC 9111 5.2", "nor is no-store there", ok('x="a, no-store", max-age=60')),
    stored_and_hit("RFC 9111 5.2.3", "unknown directives", ok("community=UCI, max-age=60, =, ,")),
    stored_and_hit("RFC 9111 5.3", "Expires", ok(Expires=date(60)), 58),
    not_reused("RFC 9111 5.3", "Expires is over", ok(Expires=date(60)), 60),
    not_reused("RFC 9111 5.3", "Expires of 0", ok(Expires="0")),
    not_reused("RFC 9111 5.3", "Expires in the past", ok(Expires=date(-60))),
    not_reused("RFC 9111 4.2.1", "Expires twice", ok(Expires=[date(60), date(60)])),
    stored_and_hit("RFC 9110 5.6.7", "Expires by RFC 850", ok(Expires="Friday, 15-Jan-27 09:00:00 GMT"), 58),
    stored_and_hit("RFC 9110 5.6.7", "Expires by asctime", ok(Expires="Fri Jan 15 09:00:00 2027"), 58),
    not_reused("RFC 9110 5.6.7", "Expires in another zone", ok(Expires="Fri, 15 Jan 2027 09:00:00 EST")),
    stored_and_hit("RFC 9111 5.3", "max-age beats Expires", ok("max-age=60", Expires="0")),
    not_reused("RFC 9111 5.3", "max-age of 0 beats Expires", ok("max-age=0", Expires=date(60))),
    stored_and_hit("RFC 9111 4.2.1", "Expires counts from Date", ok(Date=date(1000), Expires=date(1060)), 58),
    not_reused("RFC 9111 4.2.3", "Date tells the age", ok("max-age=60", Date=date(-30)), 31),
    stored_and_hit("RFC 9111 4.2.3", "Date tells the age: not yet", ok("max-age=60", Date=date(-30)), 28),
    stored_and_hit("RFC 9111 4.2.3", "a Date to come is no age", ok("max-age=60", Date=date(500)), 58),
    stored_and_hit("RFC 9110 6.6.1", "an unreadable Date is none", ok("max-age=60", Date="yesterday"), 58),
    not_reused("RFC 9111 4.2.3", "Age counts", ok("max-age=60", Age="50"), 10),
    stored_and_hit("RFC 9111 4.2.3", "Age counts: not yet", ok("max-age=60", Age="50"), 8),
    not_reused("RFC 9111 4.2.3", "the greater of Age and Date", ok("max-age=60", Age="50", Date=date(-20)), 10),
    stored_and_hit("RFC 9111 5.1", "Age that is no number", ok("max-age=60", Age="x"), 58),
    stored_and_hit("RFC 9111 5.1", "negative Age", ok("max-age=60", Age="-50"), 58),
    stored_and_hit("RFC 9111 5.1", "the first of several Ages", ok("max-age=60", Age="0, 100"), 58),
    not_reused("RFC 9111 5.1", "endless Age", ok("max-age=60", Age="9" * 30)),
]

ON = {"heuristic": True}
HEURISTIC = [
    *[
        stored_and_hit("RFC 9110 15.1", f"heuristic {status}", ok(status=status, Last_Modified=OLD), 9_000, **ON)
        for status in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)
    ],
    *[
        not_reused("RFC 9110 15.1", f"no heuristic {status}", ok(status=status, Last_Modified=OLD), 1, **ON)
        for status in (201, 202, 302, 307, 400, 403, 451, 500, 503, 599)
    ],
    stored_and_hit(
        "RFC 9111 4.2.2", "public makes any heuristic", ok("public", status=403, Last_Modified=OLD), 9, **ON
    ),
    not_reused("RFC 9111 4.2.2", "a day at most", ok(Last_Modified=date(-(10**7))), 86_401, **ON),
    not_reused("RFC 9111 4.2.2", "not with no-cache", ok("no-cache", Last_Modified=OLD), 9, **ON),
    not_reused("RFC 9111 4.2.2", "not with an unreadable max-age", ok("max-age=x", Last_Modified=OLD), 9, **ON),
    not_reused("RFC 9111 4.2.2", "not by default", ok(Last_Modified=OLD), 1),
]

STORING = [
    *[
        stored_and_hit("RFC 9111 3", f"{status} with a lifetime", ok("max-age=60", status=status))
        for status in (201, 204, 299, 302, 403, 410, 451, 500, 503, 599)
    ],
    not_reused("RFC 9111 5.2.2.5", "no-store", ok("no-store, max-age=60")),
    not_reused("RFC 9111 5.2.2.5", "no-store in another line", ok(["max-age=60", "No-Store"])),
    stored_and_hit("RFC 9111 5.2.2.3", "must-understand", ok("no-store, must-understand, max-age=60")),
    not_reused("RFC 9111 5.2.2.3", "must-understand of the unknown", ok("must-understand, max-age=60", status=299)),
    not_reused("RFC 9111 5.2.2.4", "no-cache is validated", ok("no-cache, max-age=60", ETag='"a"')),
    row(
        "RFC 9111 5.2.2.4",
        "a field that no-cache names is not shown again",
        get(NET, ok('max-age=60, no-cache="X, set-cookie"', X="1", Set_Cookie="a=b")),
        get(HIT + " X= Set-Cookie="),
    ),
    row("RFC 9111 5.2.2.7", "private, for a private cache", get(NET, ok("private, max-age=60")), get(HIT)),
    not_reused("RFC 9111 5.2.2.7", "private, for a shared one", ok("private, max-age=60"), shared=True),
    row(
        "RFC 9111 5.2.2.7",
        "a field that is private, for a shared cache",
        get(NET, ok('max-age=60, private="X"', X="1", Y="2")),
        get(HIT + " X= Y=2"),
        shared=True,
    ),
    row(
        "RFC 9111 5.2.2.7",
        "the same for a private one",
        get(NET, ok('max-age=60, private="X"', X="1")),
        get(HIT + " X=1"),
    ),
    stored_and_hit("RFC 9111 5.2.2.10", "s-maxage in a shared cache", ok("max-age=0, s-maxage=60"), 58, shared=True),
    not_reused("RFC 9111 5.2.2.10", "s-maxage in a private one", ok("max-age=0, s-maxage=60")),
    not_reused("RFC 9111 5.2.2.10", "a shorter s-maxage", ok("max-age=60, s-maxage=1"), 5, shared=True),
    not_reused("RFC 9111 4.1", "Vary of everything", ok("max-age=60", Vary="*")),
    not_reused("RFC 9111 4.1", "and of something", ok("max-age=60", Vary="Foo, *")),
    row(
        "RFC 9111 5.2.1.5",
        "no-store in the request",
        get(NET, ok("max-age=60"), Cache_Control="no-store"),
        MISS,
        get("200 three network", ok("max-age=60", "three"), Cache_Control="no-store"),
        get("200 two cache"),
    ),
    row(
        "RFC 9111 3.1",
        "fields of the connection",
        get(
            NET,
            ok("max-age=60", Connection="X, close", X="1", Keep_Alive="timeout=5", Proxy_Authenticate="Basic", Y="2"),
        ),
        get(HIT + " X= Connection= Keep-Alive= Proxy-Authenticate= Y=2"),
    ),
    *[
        row(
            "RFC 9111 3.5",
            f"Authorization in a shared cache, {directive or 'nothing more'}",
            get(NET, ok(f"max-age=60{directive and ', '}{directive}"), Authorization="Basic eDp5"),
            get(HIT if directive else "asked", Authorization="Basic eDp5"),
            shared=True,
        )
        for directive in ("", "public", "s-maxage=60", "must-revalidate")
    ],
    row(
        "RFC 9111 7.2",
        "another user",
        get(NET, ok("max-age=60"), Authorization="Basic eDp5"),
        get("asked", Authorization="Basic eHh4"),
        get("asked"),
        get(HIT, Authorization="Basic eDp5"),
    ),
]

RANKED = ok("max-age=60", Vary="Accept-Language")
VARY = [
    row(
        "RFC 9111 4.1",
        "two fields, two variants",
        get(NET, ok("max-age=60", Vary="Foo, Bar"), Foo="1", Bar="2"),
        get(NEW, ok("max-age=60", "two", Vary="foo, bar"), Foo="1", Bar="3"),
        get(HIT, Foo="1", Bar="2"),
        get("200 two cache", Bar="3", Foo="1"),
        get("asked", Foo="1"),
    ),
    row(
        "RFC 9111 4.1",
        "absent is not empty",
        get(NET, ok("max-age=60", Vary="Foo")),
        get("asked", Foo=""),
        get(HIT),
    ),
    row(
        "RFC 9111 4.1",
        "lines and white space",
        get(NET, ok("max-age=60", Vary="Foo"), Foo=["a", "b,c"]),
        get(HIT, Foo="a ,b, c"),
        get("asked", Foo="a, c, b"),
    ),
    row(
        "RFC 9111 4.1",
        "of several that match, the newest by Date",
        get(NET, ok("max-age=600", Vary="Foo", Date=date(-5)), Foo="1"),
        get(NEW, ok("max-age=600", "two", Vary="Bar", Date=date(-90)), Foo="2"),
        get(HIT, Foo="1"),
        get("200 two cache", Foo="3"),
    ),
    row(
        "RFC 9111 4.1",
        "a variant for nobody spoils no other",
        get(NET, ok("max-age=60", Vary="Foo"), Foo="1"),
        get(NEW, ok("max-age=60", "two", Vary="*"), Foo="2"),
        get(HIT, Foo="1"),
    ),
    row(
        "RFC 9110 12.5.4",
        "languages in another order",
        get(NET, RANKED, Accept_Language="de, en;q=0.5"),
        get(HIT, Accept_Language="en;q=0.5,  DE"),
    ),
    row(
        "RFC 9111 4.1",
        "all variants are asked about",
        get(NET, ok("max-age=60", Vary="Foo", ETag='"1"'), Foo="1"),
        get(NEW, ok("max-age=60", "two", Vary="Foo", ETag='"2"'), Foo="2"),
        get("200 two revalidated", ok("max-age=60", "", 304, ETag='"2"', Vary="Foo"), Foo="3"),
        get("200 two cache", Foo="3"),
        get(HIT, Foo="1"),
    ),
]

DEMANDS = [
    row("RFC 9111 5.2.1.1", "max-age that suffices", FIRST, get(HIT, after=9, Cache_Control="max-age=10")),
    row("RFC 9111 5.2.1.1", "max-age that does not", FIRST, get(NEW, TWO, after=12, Cache_Control="max-age=10")),
    row("RFC 9111 5.2.1.1", "max-age that cannot be read", FIRST, get(NEW, TWO, after=2, Cache_Control="max-age=x")),
    row("RFC 9111 5.2.1.3", "min-fresh that is there", FIRST, get(HIT, after=20, Cache_Control="min-fresh=30")),
    row("RFC 9111 5.2.1.3", "min-fresh that is not", FIRST, get(NEW, TWO, after=40, Cache_Control="min-fresh=30")),
    row("RFC 9111 5.2.1.2", "max-stale", FIRST, get(HIT, after=9000, Cache_Control="max-stale")),
    row("RFC 9111 5.2.1.2", "max-stale that suffices", FIRST, get(HIT, after=65, Cache_Control="max-stale=10")),
    row("RFC 9111 5.2.1.2", "max-stale that does not", FIRST, get(NEW, TWO, after=80, Cache_Control="max-stale=10")),
    row("RFC 9111 5.2.1.2", "max-stale of nonsense", FIRST, get(NEW, TWO, after=65, Cache_Control="max-stale=x")),
    row(
        "RFC 9111 5.2.2.2",
        "max-stale against must-revalidate",
        get(NET, ok("max-age=60, must-revalidate", ETag='"a"')),
        get(NEW, TWO, after=65, Cache_Control="max-stale"),
    ),
    row(
        "RFC 9111 5.2.2.8",
        "proxy-revalidate is for shared caches",
        get(NET, ok("max-age=60, proxy-revalidate")),
        get(HIT, after=65, Cache_Control="max-stale"),
    ),
    row(
        "RFC 9111 5.2.2.8",
        "which it binds",
        get(NET, ok("max-age=60, proxy-revalidate", ETag='"a"')),
        get(NEW, TWO, after=65, Cache_Control="max-stale"),
        shared=True,
    ),
    row("RFC 9111 5.2.1.4", "no-cache", FIRST, get(NEW, TWO, Cache_Control="no-cache")),
    row("RFC 9111 5.4", "Pragma", FIRST, get(NEW, TWO, Pragma="no-cache")),
    row("RFC 9111 5.4", "Pragma beside Cache-Control", FIRST, get(HIT, Pragma="no-cache", Cache_Control="max-age=50")),
    stored_and_hit("RFC 9111 5.4", "Pragma in a response", ok("max-age=60", Pragma="no-cache")),
    row("RFC 9111 5.2.1.6", "no-transform", FIRST, get(HIT, Cache_Control="no-transform")),
    row("RFC 9111 5.2.1.7", "only-if-cached without anything", get("504  cache", Cache_Control="only-if-cached")),
    row("RFC 9111 5.2.1.7", "only-if-cached", FIRST, get(HIT, Cache_Control="only-if-cached")),
    row(
        "RFC 9111 5.2.1.7", "only-if-cached: stale", FIRST, get("504  cache", after=90, Cache_Control="only-if-cached")
    ),
    row(
        "RFC 9111 5.2.1.7",
        "only-if-cached: stale, as allowed",
        FIRST,
        get(HIT, after=90, Cache_Control="only-if-cached, max-stale"),
    ),
    row(
        "RFC 8246 2",
        "immutable",
        get(NET, ok("max-age=60, immutable")),
        get(HIT, after=9, Cache_Control="max-age=0"),
        get(NEW, TWO, Cache_Control="no-cache"),
    ),
    row(
        "RFC 8246 2",
        "immutable, but stale",
        get(NET, ok("max-age=60, immutable")),
        get(NEW, TWO, after=90, Cache_Control="max-age=0"),
    ),
]

SIE = ok("max-age=60, stale-if-error=100")
GONE = ConnectionError("refused")
FAILING = [
    *[
        row("RFC 5861 4", f"stale-if-error: {status}", get(NET, SIE), get(HIT, ok(None, "no", status), after=90))
        for status in (500, 502, 503, 504)
    ],
    *[
        row(
            "RFC 5861 4",
            f"stale-if-error: not {status}",
            get(NET, SIE),
            get(f"{status} no network", ok(None, "no", status), after=90),
        )
        for status in (404, 429, 501, 505)
    ],
    row("RFC 5861 4", "stale-if-error: no connection", get(NET, SIE), get(HIT, GONE, after=90)),
    row("RFC 5861 4", "stale-if-error is over", get(NET, SIE), get("500 no network", ok(None, "no", 500), after=162)),
    row(
        "RFC 5861 4", "stale-if-error of a request", FIRST, get(HIT, GONE, after=90, Cache_Control="stale-if-error=100")
    ),
    row(
        "RFC 5861 4",
        "stale-if-error of a request is over",
        FIRST,
        get("ConnectionError", GONE, after=90, Cache_Control="stale-if-error=10"),
    ),
    row(
        "RFC 9111 4.2.4",
        "must-revalidate beats it",
        get(NET, ok("max-age=60, stale-if-error=100, must-revalidate", ETag='"a"')),
        get("503 no network", ok(None, "no", 503), after=90),
    ),
    row("RFC 9111 4.2.4", "neither asked for nor allowed", FIRST, get("ConnectionError", GONE, after=90)),
    row("RFC 9111 4.2.4", "as the cache is told", FIRST, get(HIT, GONE, after=90), stale_if_error=inf),
    row(
        "RFC 9111 4.3.3",
        "a failure leaves what is stored alone",
        get(NET, ok("max-age=60", ETag='"a"')),
        get("500 no network", ok("max-age=60", "no", 500), after=90),
        get(CONFIRMED, ok("max-age=60", "", 304, ETag='"a"')),
    ),
]

VALIDATING = [
    row(
        "RFC 9111 4.3.4",
        "a 304 brings new fields",
        get(NET, ok("max-age=60", ETag='"a"', X="1", Y="1", Content_Length="3")),
        get(
            CONFIRMED + " X=2 Y=1 Content-Length=3",
            ok("max-age=60", "", 304, ETag='"a"', X="2", Content_Length="0"),
            after=90,
        ),
        get(HIT + " X=2 Y=1 Content-Length=3"),
    ),
    row(
        "RFC 9111 4.3.4",
        "a weak tag will do",
        get(NET, ok("max-age=60", ETag='W/"a"')),
        get(CONFIRMED, ok("max-age=60", "", 304, ETag='W/"a"'), after=90),
    ),
    row(
        "RFC 9111 4.3.4",
        "a date will do",
        get(NET, ok("max-age=60", Last_Modified=OLD)),
        get(CONFIRMED, ok("max-age=60", "", 304, Last_Modified=OLD), after=90),
    ),
    row(
        "RFC 9111 4.3.4",
        "a 304 with no-store",
        get(NET, ok("max-age=60", ETag='"a"')),
        get(CONFIRMED, ok("no-store", "", 304, ETag='"a"'), after=90),
        MISS,
    ),
    row(
        "RFC 9111 4.3.3",
        "a full answer takes its place",
        get(NET, ok("max-age=60", ETag='"a"')),
        get(NEW, ok("max-age=60", "two", ETag='"b"'), after=90),
        get("200 two cache"),
    ),
    row(
        "RFC 9111 4.3.3",
        "an answer that may not be stored does not bring back the old",
        get(NET, ok("max-age=60", ETag='"a"')),
        get("404 no network", ok("max-age=60", "no", 404), after=90),
        get("404 no cache"),
    ),
    row(
        "RFC 9111 4.3.2",
        "the caller's condition holds",
        get(NET, ok("max-age=60", ETag='"a"')),
        get("304  cache", If_None_Match='W/"a"'),
        get(HIT, If_None_Match='"b"'),
    ),
    row(
        "RFC 9111 4.3.2",
        "If-None-Match beats If-Modified-Since",
        get(NET, ok("max-age=60", ETag='"a"', Last_Modified=OLD)),
        get(HIT, If_None_Match='"b"', If_Modified_Since=date(0)),
        get("304  cache", If_Modified_Since=date(0)),
        get(HIT, If_Modified_Since=date(-200_000)),
        get(HIT, If_Modified_Since="soon"),
    ),
    row("RFC 9110 13.1.1", "If-Match is the origin's", FIRST, get(NEW, TWO, If_Match='"a"')),
    row("RFC 9110 13.1.4", "so is If-Unmodified-Since", FIRST, get(NEW, TWO, If_Unmodified_Since=OLD)),
    row(
        "RFC 9110 15.4.5",
        "a 304 for nobody",
        get("304  network", ok("max-age=60", "", 304, ETag='"a"')),
        MISS,
    ),
    row(
        "RFC 9111 4.3.4",
        "a 304 for nobody about what is stored",
        get(NET, ok("max-age=60")),
        get(CONFIRMED, ok("max-age=60", "", 304), after=90),
        get(HIT),
    ),
]

HEAD = [
    row("RFC 9111 4", "HEAD from a stored GET", FIRST, get("200  cache", method="HEAD")),
    row("RFC 9111 3", "HEAD is not stored", get("200  network", ok("max-age=60", ""), method="HEAD"), MISS),
    row(
        "RFC 9111 4.3.5",
        "HEAD freshens",
        get(NET, ok("max-age=60", ETag='"a"', X="1")),
        get("200  network", ok("max-age=60", "", ETag='"a"', X="2", Content_Length="3"), after=90, method="HEAD"),
        get(HIT + " X=2"),
    ),
    row(
        "RFC 9111 4.3.5",
        "HEAD with another tag makes it stale",
        get(NET, ok("max-age=60", ETag='"a"')),
        get("200  network", ok("max-age=60", "", ETag='"b"'), after=90, method="HEAD"),
        MISS,
    ),
    row(
        "RFC 9111 4.3.5",
        "HEAD with another length makes it stale",
        get(NET, ok("max-age=60", ETag='"a"', Content_Length="3")),
        get("200  network", ok("max-age=60", "", ETag='"a"', Content_Length="4"), after=90, method="HEAD"),
        MISS,
    ),
]

OTHER = "https://h.example/b"
FAR = "https://g.example/b"


def changing(name: str, source: str, answer: Any, gone: bool, uri: str = URI, method: str = "POST") -> Row:
    """Whether what is stored for `uri` is gone after an unsafe call of `URI`."""
    status, _, body = answer
    return row(
        source,
        name,
        get(NET, ok("max-age=60"), uri=uri),
        get(f"{status} {body} network", answer, method=method),
        get("asked" if gone else HIT, uri=uri),
    )


S44 = "RFC 9111 4.4"
CHANGING = [
    *[
        changing(f"{method} drops the target", S44, ok(body=""), True, method=method)
        for method in ("POST", "PUT", "DELETE", "PATCH", "FROB")
    ],
    *[
        changing(f"{method} is safe", "RFC 9110 9.2.1", ok(body=""), False, method=method)
        for method in ("OPTIONS", "TRACE", "QUERY", "PROPFIND", "SEARCH")
    ],
    *[
        changing(f"POST and {status}", S44, ok(body="", status=status), status < 400)
        for status in (201, 204, 303, 400, 404, 500)
    ],
    changing("POST drops Location", S44, ok(body="", status=201, Location="/b"), True, OTHER),
    changing("POST drops Content-Location", S44, ok(body="", Content_Location=OTHER), True, OTHER),
    changing("but not of another origin", S44, ok(body="", Location=FAR), False, FAR),
    changing("nor Location after a failure", S44, ok(body="", status=409, Location="/b"), False, OTHER),
    changing("a Location that is none", S44, ok(body="", Location="https://[x/"), True),
    row(
        S44,
        "all variants go",
        get(NET, ok("max-age=60", Vary="Foo"), Foo="1"),
        get(NEW, ok("max-age=60", "two", Vary="Foo"), Foo="2"),
        get("200  network", ok(body=""), method="DELETE"),
        get("asked", Foo="1"),
        get("asked", Foo="2"),
    ),
    row(
        "RFC 9110 9.3.3",
        "a POST that answers a later GET",
        get(NET, ok("max-age=60", Content_Location="/a"), method="POST"),
        get(HIT),
    ),
    row("RFC 9110 9.3.3", "not without Content-Location", get(NET, ok("max-age=60"), method="POST"), MISS),
    row(
        "RFC 9110 9.3.3",
        "not for another URI",
        get(NET, ok("max-age=60", Content_Location="/b"), method="POST"),
        MISS,
        get("asked", uri=OTHER),
    ),
    row(
        "RFC 9110 9.3.3",
        "not without a lifetime",
        get(NET, ok(Content_Location="/a", ETag='"a"'), method="POST"),
        MISS,
    ),
    row("RFC 9111 4", "a POST is not answered", FIRST, get("200 two network", ok(None, "two"), method="POST")),
    row(
        "RFC 9875 2",
        "a group goes",
        get(NET, ok("max-age=60", Cache_Groups='"x", "y"'), uri=OTHER),
        get("200  network", ok(body="", Cache_Group_Invalidation='"y"'), method="POST"),
        get("asked", uri=OTHER),
    ),
    row(
        "RFC 9110 9.2.1",
        "a GET clears the site",
        get(NET, ok("max-age=60"), uri=OTHER),
        get("200 x network", ok(None, "x", Clear_Site_Data='"cookies", "cache"')),
        get("asked", uri=OTHER),
    ),
]

LETTERS = ok("max-age=60", "abcdef", ETag='"a"')
ALL = get("200 abcdef network", LETTERS)


def part(body: str, first: int, tag: str = '"a"', total: str = "6") -> Any:
    content_range = f"bytes {first}-{first + len(body) - 1}/{total}"
    return ok("max-age=60", body, 206, ETag=tag, Content_Range=content_range)


RANGES = [
    row("RFC 9111 3.4", "a range of the whole", ALL, get("206 bc cache Content-Range=bytes_1-2/6", Range="bytes=1-2")),
    row("RFC 9110 14.1.2", "to the end", ALL, get("206 ef cache", Range="bytes=4-")),
    row("RFC 9110 14.1.2", "the last bytes", ALL, get("206 def cache", Range="bytes=-3")),
    row("RFC 9110 14.1.2", "more than there is", ALL, get("206 ef cache", Range="bytes=4-99")),
    row("RFC 9110 14.2", "beyond the end", ALL, get("asked", Range="bytes=9-")),
    row("RFC 9110 14.2", "several", ALL, get("asked", Range="bytes=0-1, 3-4")),
    row("RFC 9110 13.1.5", "If-Range holds", ALL, get("206 bc cache", Range="bytes=1-2", If_Range='"a"')),
    row("RFC 9110 13.1.5", "If-Range does not", ALL, get("200 abcdef cache", Range="bytes=1-2", If_Range='"b"')),
    row("RFC 9110 14.2", "a range of a HEAD", ALL, get("200  cache", Range="bytes=1-2", method="HEAD")),
    row(
        "RFC 9111 3.4",
        "two parts are a whole",
        get("206 abc network", part("abc", 0), Range="bytes=0-2"),
        get("206 def network", part("def", 3), Range="bytes=3-5"),
        get("200 abcdef cache"),
    ),
    row(
        "RFC 9110 15.3.7.3",
        "not by weak tags",
        get("206 abc network", part("abc", 0, 'W/"a"'), Range="bytes=0-2"),
        get("206 def network", part("def", 3, 'W/"a"'), Range="bytes=3-5"),
        get("asked"),
    ),
    row(
        "RFC 9110 15.3.7.3",
        "not of two representations",
        get("206 abc network", part("abc", 0), Range="bytes=0-2"),
        get("206 def network", part("def", 3, '"b"'), Range="bytes=3-5"),
        get("asked"),
        get("206 de cache", Range="bytes=3-4"),
    ),
    row(
        "RFC 9111 3.3",
        "a part is no whole",
        get("206 abc network", part("abc", 0), Range="bytes=0-2"),
        get("206 ab cache", Range="bytes=0-1"),
        get("asked", Range="bytes=2-4"),
        get("asked"),
    ),
    row(
        "RFC 9111 3.3",
        "a part that does not say which",
        get("206 abc network", ok("max-age=60", "abc", 206), Range="bytes=0-2"),
        get("asked", Range="bytes=0-2"),
    ),
]

TARGETS = {"targets": ("cdn-cache-control",)}
TARGETED = [
    stored_and_hit(
        "RFC 9213 2.1", "a targeted field wins", ok("no-store", CDN_Cache_Control="max-age=60"), 58, **TARGETS
    ),
    not_reused("RFC 9213 2.1", "for worse, too", ok("max-age=60", CDN_Cache_Control="no-store"), **TARGETS),
    not_reused("RFC 9213 2.1", "over Expires", ok(Expires=date(60), CDN_Cache_Control="max-age=0"), **TARGETS),
    stored_and_hit("RFC 9213 2.1", "an empty one is none", ok("max-age=60", CDN_Cache_Control=""), **TARGETS),
    stored_and_hit("RFC 9213 2.1", "a broken one is none", ok("max-age=60", CDN_Cache_Control="max-age=;"), **TARGETS),
    not_reused("RFC 9213 2.2", "who is not meant", ok("max-age=0", CDN_Cache_Control="max-age=60")),
]

TABLE = [
    *FRESHNESS,
    *HEURISTIC,
    *STORING,
    *VARY,
    *DEMANDS,
    *FAILING,
    *VALIDATING,
    *HEAD,
    *CHANGING,
    *RANGES,
    *TARGETED,
]


def ended(world: World, call: Call) -> str:
    """How a call ends, with the fields that its row looks at."""
    world.now += call.after
    world.answers = []
    if isinstance(call.answer, Exception):
        world.answers.append(call.answer)
    else:
        status, fields, body = call.answer or (598, {}, "asked")
        fields = {"Date": format_http_date(world.now), **fields}
        world.answers.append((status, lines_of(fields), body.encode()))
    try:
        reply = world.send(*lines_of(call.fields or {}), method=call.method, uri=call.uri)
    except ConnectionError as error:
        return type(error).__name__
    if reply.head.status == 598:
        return "asked"
    found = f"{reply.head.status} {whole(reply).decode()} {reply.provenance}"
    for name in re.findall(r" ([\w-]+)=", call.ending):
        found += f" {name}={reply.head.fields.get(name.lower(), '').replace(' ', '_')}"
    return found


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.name} ({row.source})")
def test_row(row: Row) -> None:
    world = World(policy=CachePolicy(**row.policy))
    assert [ended(world, call) for call in row.calls] == [call.ending for call in row.calls]


def test_the_table_is_large_and_every_row_has_its_source() -> None:
    assert len(TABLE) >= 150
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert [row.name for row in TABLE if not re.fullmatch(r"RFC \d{4} [\d.]+", row.source)] == []
