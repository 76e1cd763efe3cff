"""One table of what cookies, redirects, netrc files and HSTS may do; each row names its source.

A row is a story over the redirect and origin stages and a session's settings: what was set or learnt, what is asked for
then, and what the last request that goes out looks like.
"""

import base64
import re
import time
from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from smartclient import Redirects, Session
from smartclient._api import netrc as netrc_module
from smartclient._model.body import BytesReader
from smartclient._model.errors import RequestException
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Reply
from smartclient._model.request import Request
from smartclient._pipeline.origin import OriginStage
from smartclient._pipeline.redirect import RedirectStage

NOW = 1_800_000_000.0
Answer = tuple[int, list[tuple[str, str]]]


class World:
    """A session whose calls end at scripted answers; `sent` are the requests that went out."""

    def __init__(self, **options: Any) -> None:
        self.now = NOW
        self.verified = True
        self.answers: list[Answer] = []
        self.sent: list[Request] = []
        self.session = Session(cache=None, **options)
        origin = OriginStage(self.session._jar, lambda: self.now, self._exchange, None, self.session.hsts)
        self.session._chain = RedirectStage(time.monotonic, origin)

    async def _exchange(self, request: Request) -> Reply:
        self.sent.append(request)
        status, lines = self.answers.pop(0) if self.answers else (200, [])
        reply = Reply(Head(status, Fields(lines)), BytesReader(b""), request)
        if request.url.scheme == "https":
            reply.connection = SimpleNamespace(handshake=SimpleNamespace(verified=self.verified))
        return reply

    def call(self, url: str, *answers: Answer, method: str = "GET", **options: Any) -> Request | str:
        """The last request that went out, or the name of the error."""
        self.answers = list(answers)
        try:
            self.session.request(method, url, **options)
        except RequestException as error:
            return type(error).__name__
        return self.sent[-1]


class Row(NamedTuple):
    """What is done, what is expected of it, and who says so."""

    source: str
    name: str
    play: Callable[[], Any]
    expected: Any


def cookie(source: str, name: str, setter: str, lines: Any, asked: str, expected: Any, later: float = 0.0) -> Row:
    """Cookies that `setter` sets with `lines` (a dict by URL for several), and those that `asked` gets."""

    def play() -> Any:
        world = World()
        given = lines if isinstance(lines, dict) else {setter: lines}
        for url, these in given.items():
            fields = [("Set-Cookie", line) for line in ([these] if isinstance(these, str) else these)]
            world.call(url, (200, fields))
        world.now += later
        sent = world.call(asked)
        assert isinstance(sent, Request)
        return sent.fields.get("cookie")

    return Row(source, f"cookie: {name}", play, expected)


SECRETS = {"Proxy-Authorization": "p", "X-API-Key": "k", "Cookie": "c", "Referer": "https://h.example/private"}
LETTERS = {"authorization": "A", "proxy-authorization": "P", "x-api-key": "K", "cookie": "C", "referer": "R"}


def redirect(
    source: str, name: str, start: str, status: int, location: Any, expected: str, method: str = "GET", **options: Any
) -> Row:
    """The request that follows: method, URL, the letters of the secrets that it has, and its body.

    A: Authorization by `auth=`, P: Proxy-Authorization, K: X-API-Key, C: Cookie, R: Referer.
    """

    def play() -> str:
        world = World(auth=("u", "p"), headers=SECRETS, trust_env=False)
        targets = [location] if isinstance(location, str) else location
        answers: list[Answer] = [(status, [("Location", each)]) for each in targets]
        sent = world.call(start, *answers, method=method, **options)
        if isinstance(sent, str):
            return sent
        secrets = "".join([letter for field, letter in LETTERS.items() if field in sent.fields])
        body = sent.body.content.decode() if isinstance(sent.body.content, bytes) else "stream"
        return " ".join([sent.method, str(sent.url), secrets or "-", body or "-"])

    return Row(source, f"redirect: {name}", play, expected)


def netrc(source: str, name: str, content: str, url: str, expected: str | None, *locations: str, **options: Any) -> Row:
    """The Authorization field that a call gets from a netrc file, decoded where it is of basic."""

    def play() -> str | None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("builtins.open", lambda *args, **options: StringIO(content))
            entries = netrc_module._entries("netrc")
            patch.undo()
            patch.setattr(netrc_module, "_entries", lambda path: entries)
            patch.setattr(netrc_module, "_file_and_stamp", lambda: ("netrc", object()))
            netrc_module.FOUND.look_now()
            sent = World().call(url, *[(302, [("Location", each)]) for each in locations], **options)
        netrc_module.FOUND.look_now()
        if isinstance(sent, str):
            return sent
        field = sent.fields.get("authorization")
        return base64.b64decode(field[6:]).decode() if field and field.startswith("Basic ") else field

    return Row(source, f"netrc: {name}", play, expected)


def hsts(
    source: str, name: str, learnt: Any, asked: str, expected: str, later: float = 0.0, verified: bool = True
) -> Row:
    """The URL that is asked for after Strict-Transport-Security was seen: {URL: field or fields}."""

    def play() -> str:
        world = World()
        world.verified = verified
        for url, fields in learnt.items():
            lines = [fields] if isinstance(fields, str) else fields
            world.call(url, (200, [("Strict-Transport-Security", line) for line in lines]))
        world.now += later
        sent = world.call(asked)
        assert isinstance(sent, Request)
        return str(sent.url)

    return Row(source, f"hsts: {name}", play, expected)


W = "https://www.example.org/a/b"
P = "http://www.example.org/a/b"
DAY = 86400.0

COOKIES = [
    cookie("RFC 6265bis 5.7", "host-only by default", W, "a=1; Path=/", "https://www.example.org/", "a=1"),
    cookie("RFC 6265bis 5.7", "host-only: not below", W, "a=1; Path=/", "https://x.www.example.org/", None),
    cookie("RFC 6265bis 5.7", "host-only: not above", W, "a=1; Path=/", "https://example.org/", None),
    cookie(
        "RFC 6265bis 5.6.3",
        "Domain covers what is below",
        W,
        "a=1; Domain=example.org",
        "https://x.example.org/a/",
        "a=1",
    ),
    cookie(
        "RFC 6265bis 5.6.3", "Domain with a leading dot", W, "a=1; Domain=.example.org", "https://example.org/a/", "a=1"
    ),
    cookie("RFC 6265bis 5.6.3", "Domain in upper case", W, "a=1; Domain=EXAMPLE.ORG", "https://example.org/a/", "a=1"),
    cookie("RFC 6265bis 5.6.3", "empty Domain is none", W, "a=1; Domain=", "https://x.www.example.org/a/", None),
    cookie("RFC 6265bis 5.7", "Domain of somebody else", W, "a=1; Domain=example.com", "https://example.com/a/", None),
    cookie(
        "RFC 6265bis 5.7",
        "Domain below the host",
        W,
        "a=1; Domain=x.www.example.org",
        "https://x.www.example.org/a/",
        None,
    ),
    cookie(
        "CVE-2013-1944",
        "a tail that is no label",
        "https://badexample.org/",
        "a=1; Domain=example.org",
        "https://example.org/",
        None,
    ),
    cookie(
        "CVE-2014-3613",
        "Domain as part of an address",
        "http://192.168.0.1/",
        "a=1; Domain=168.0.1",
        "http://129.168.0.1/",
        None,
    ),
    cookie(
        "RFC 6265bis 5.1.3",
        "Domain that is the address",
        "http://127.0.0.1/",
        "a=1; Domain=127.0.0.1",
        "http://127.0.0.1/",
        None,
    ),
    cookie("RFC 6265bis 5.1.3", "host-only of an address", "http://127.0.0.1/", "a=1", "http://127.0.0.1/", "a=1"),
    cookie("RFC 6265bis 5.1.3", "host-only of IPv6", "http://[::1]/", "a=1", "http://[::1]:8080/", "a=1"),
    cookie("CVE-2014-3620", "Domain that is a registry", W, "a=1; Domain=org", "https://example.org/a/", None),
    cookie(
        "RFC 6265bis 5.7",
        "Domain that is a public suffix",
        "https://a.co.uk/",
        "a=1; Domain=co.uk",
        "https://b.co.uk/",
        None,
    ),
    cookie(
        "CVE-2023-46218",
        "public suffix in mixed case",
        "https://a.co.UK/",
        "a=1; Domain=cO.uK",
        "https://b.co.uk/",
        None,
    ),
    cookie(
        "CVE-2022-27779",
        "public suffix with root dot",
        "https://a.co.uk./",
        "a=1; Domain=co.uk.",
        "https://b.co.uk./",
        None,
    ),
    cookie(
        "RFC 6265bis 5.7",
        "public suffix of the private part",
        "https://a.github.io/",
        "a=1; Domain=github.io",
        "https://b.github.io/",
        None,
    ),
    cookie(
        "RFC 6265bis 5.7",
        "a public suffix for itself",
        "https://github.io/",
        "a=1; Domain=github.io",
        "https://github.io/",
        "a=1",
    ),
    cookie(
        "RFC 6265bis 5.7",
        "which is host-only then",
        "https://github.io/",
        "a=1; Domain=github.io",
        "https://a.github.io/",
        None,
    ),
    cookie("RFC 6265bis 5.7", "ports share cookies", "http://h.example:8080/", "a=1", "http://h.example/", "a=1"),
    cookie("RFC 6265bis 5.1.4", "default path", W, "a=1", "https://www.example.org/a/x/y", "a=1"),
    cookie("RFC 6265bis 5.1.4", "default path: not above", W, "a=1", "https://www.example.org/", None),
    cookie("RFC 6265bis 5.1.4", "paths by segments", W, "a=1; Path=/a", "https://www.example.org/ab", None),
    cookie("RFC 6265bis 5.1.4", "the path itself", W, "a=1; Path=/a", "https://www.example.org/a", "a=1"),
    cookie("RFC 6265bis 5.1.4", "with a last slash", W, "a=1; Path=/a/", "https://www.example.org/a", None),
    cookie("RFC 6265bis 5.6.4", "a path that is none", W, "a=1; Path=x", "https://www.example.org/a/", "a=1"),
    cookie("RFC 6265bis 5.1.4", "paths have cases", W, "a=1; Path=/A", "https://www.example.org/a", None),
    cookie("RFC 6265bis 5.6.2", "Max-Age: still there", W, "a=1; Max-Age=60", W, "a=1", 59),
    cookie("RFC 6265bis 5.6.2", "Max-Age: gone", W, "a=1; Max-Age=60", W, None, 60),
    cookie("RFC 6265bis 5.6.2", "Max-Age of 0", W, "a=1; Max-Age=0", W, None),
    cookie("RFC 6265bis 5.6.2", "negative Max-Age", W, "a=1; Max-Age=-5", W, None),
    cookie("RFC 6265bis 5.6.2", "unreadable Max-Age", W, "a=1; Max-Age=soon", W, "a=1", DAY),
    cookie(
        "RFC 6265bis 5.7", "Max-Age over Expires", W, "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", W, "a=1"
    ),
    cookie("RFC 6265bis 5.6.1", "Expires in the past", W, "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", W, None),
    cookie(
        "RFC 6265bis 5.1.1",
        "Expires as old servers write it",
        W,
        "a=1; Expires=Fri, 31-Dec-2066 23:59:59 GMT",
        W,
        "a=1",
        DAY,
    ),
    cookie("RFC 6265bis 5.1.1", "unreadable Expires", W, "a=1; Expires=soon", W, "a=1", DAY),
    cookie("RFC 6265bis 5.5", "400 days at most", W, "a=1; Max-Age=99999999999", W, None, 400 * DAY),
    cookie("RFC 6265bis 5.5", "400 days: still there", W, "a=1; Max-Age=99999999999", W, "a=1", 400 * DAY - 1),
    cookie("RFC 6265bis 5.7", "deleting by the same path", W, ["a=1; Path=/", "a=; Path=/; Max-Age=0"], W, None),
    cookie("RFC 6265bis 5.7", "deleting by another path", W, ["a=1; Path=/", "a=; Path=/a; Max-Age=0"], W, "a=1"),
    cookie("RFC 6265bis 5.7", "replacing", W, ["a=1", "a=2"], W, "a=2"),
    cookie("RFC 6265bis 5.8.3", "longest path first", W, ["a=1; Path=/", "b=2; Path=/a"], W, "b=2; a=1"),
    cookie("RFC 6265bis 5.8.3", "then the oldest", W, ["a=1", "b=2", "a=3"], W, "a=3; b=2"),
    cookie("RFC 6265bis 5.6.5", "Secure over https", W, "a=1; Secure", W, "a=1"),
    cookie("RFC 6265bis 5.8.3", "Secure: not over http", W, "a=1; Secure", P, None),
    cookie("RFC 6265bis 5.7", "Secure set over http", P, "a=1; Secure", W, None),
    cookie("CVE-2025-9086", "Secure is not overwritten from http", W, {W: "a=1; Secure", P: "a=2"}, W, "a=1"),
    cookie(
        "RFC 6265bis 5.7", "nor hidden by a longer path", W, {W: "a=1; Secure; Path=/a", P: "a=2; Path=/a/b"}, W, "a=1"
    ),
    cookie("RFC 6265bis 5.7", "a path above is free", W, {W: "a=1; Secure; Path=/a", P: "a=2; Path=/"}, P, "a=2"),
    cookie("RFC 6265bis 4.1.3.1", "__Secure- without Secure", W, "__Secure-a=1", W, None),
    cookie("RFC 6265bis 4.1.3.1", "__Secure-", W, "__Secure-a=1; Secure; Domain=example.org", W, "__Secure-a=1"),
    cookie("RFC 6265bis 4.1.3.2", "__Host-", W, "__Host-a=1; Secure; Path=/", W, "__Host-a=1"),
    cookie("RFC 6265bis 4.1.3.2", "__Host- with a path", W, "__Host-a=1; Secure; Path=/a", W, None),
    cookie(
        "RFC 6265bis 4.1.3.2", "__Host- with a domain", W, "__Host-a=1; Secure; Path=/; Domain=example.org", W, None
    ),
    cookie("RFC 6265bis 5.7", "prefixes in any case", W, "__hOsT-a=1", W, None),
    cookie("RFC 6265bis 5.7", "a prefix as the value of no name", W, "=__Host-a=1", W, None),
    cookie("RFC 6265bis 5.6", "no name", W, "abc", W, "abc"),
    cookie("RFC 6265bis 5.6", "nothing", W, "=; Path=/", W, None),
    cookie("RFC 6265bis 5.6", "white space around", W, " a = 1 ; Path = / ", P, "a=1"),
    cookie("RFC 6265bis 5.6", "equals signs in values", W, "a=b=c", W, "a=b=c"),
    cookie("RFC 6265bis 5.6", "quotes are part of values", W, 'a="1"', W, 'a="1"'),
    cookie("RFC 6265bis 5.6", "unknown attributes", W, "a=1; New=x; HttpOnly; SameSite=Strict", W, "a=1"),
    cookie("RFC 6265bis 5.6", "the last of repeated attributes", W, "a=1; Path=/x; Path=/", W, "a=1"),
    cookie("CVE-2022-35252", "control bytes", W, "a=1\x01", W, None),
    cookie("RFC 9110 5.5", "line ends are no cookies", W, "a=1\r\nb=2", W, None),
    cookie("RFC 6265bis 5.6", "4096 bytes", W, "a=" + "x" * 4095, W, "a=" + "x" * 4095),
    cookie("CVE-2022-32205", "4097 bytes", W, "a=" + "x" * 4096, W, None),
    cookie(
        "CVE-2022-32205",
        "150 a domain: the first has left",
        W,
        [f"c{n}=1" for n in range(151)],
        W,
        "; ".join(f"c{n}=1" for n in range(1, 151)),
    ),
    cookie(
        "CVE-2022-32205",
        "32 KiB in a field",
        W,
        [f"c{n}={'x' * 4000}" for n in range(20)],
        W,
        "; ".join(f"c{n}={'x' * 4000}" for n in range(8)),
    ),
    cookie("RFC 6265bis 5.6", "attributes over 1024 bytes", W, f"a=1; Path=/{'x' * 1024}", W, "a=1"),
]

H = "https://h.example/a"
G = "https://g.example/b"

REDIRECTS = [
    redirect("RFC 9110 15.4.2", "301 and GET", H, 301, "/b", "GET https://h.example/b APKCR -"),
    redirect("RFC 9110 15.4.2", "301 and POST", H, 301, "/b", "GET https://h.example/b APKCR -", "POST", data=b"x"),
    redirect("RFC 9110 15.4.2", "301 and PUT", H, 301, "/b", "PUT https://h.example/b APKCR x", "PUT", data=b"x"),
    redirect("RFC 9110 15.4.3", "302 and POST", H, 302, "/b", "GET https://h.example/b APKCR -", "POST", data=b"x"),
    redirect("RFC 9110 15.4.3", "302 and HEAD", H, 302, "/b", "HEAD https://h.example/b APKCR -", "HEAD"),
    redirect("RFC 9110 15.4.4", "303 and PUT", H, 303, "/b", "GET https://h.example/b APKCR -", "PUT", data=b"x"),
    redirect(
        "CVE-2023-45803",
        "303 leaves the body",
        H,
        303,
        G,
        "GET https://g.example/b - -",
        "POST",
        data=b"x",
        headers={"Referer": None},
    ),
    redirect(
        "RFC 9110 15.4.8",
        "307 keeps method and body",
        H,
        307,
        "/b",
        "POST https://h.example/b APKCR x",
        "POST",
        data=b"x",
    ),
    redirect(
        "RFC 9110 15.4.9",
        "308 keeps method and body",
        H,
        308,
        "/b",
        "PATCH https://h.example/b APKCR x",
        "PATCH",
        data=b"x",
    ),
    redirect("RFC 9110 15.4.8", "307 and a stream", H, 307, "/b", "UnrewindableBodyError", "POST", data=iter([b"x"])),
    redirect(
        "RFC 9110 15.4.4",
        "303 and a stream",
        H,
        303,
        "/b",
        "GET https://h.example/b APKCR -",
        "POST",
        data=iter([b"x"]),
    ),
    redirect("RFC 9110 15.4.5", "304 is none", H, 304, "/b", "GET https://h.example/a APKCR -"),
    redirect("RFC 9110 15.4.1", "300 is not followed", H, 300, "/b", "GET https://h.example/a APKCR -"),
    redirect("CVE-2018-18074", "another host gets no Authorization", H, 302, G, "GET https://g.example/b R -"),
    redirect(
        "CVE-2018-20060", "nor by a stream of hops", H, 302, [G, "https://i.example/"], "GET https://i.example/ R -"
    ),
    redirect(
        "CVE-2024-45336", "nor does the first host on the way back", H, 302, [G, H], "GET https://h.example/a R -"
    ),
    redirect("CVE-2023-43804", "another host gets no Cookie", H, 302, G, "GET https://g.example/b R -", auth=None),
    redirect(
        "CVE-2024-37891",
        "another host gets no Proxy-Authorization",
        H,
        302,
        "//g.example/",
        "GET https://g.example/ R -",
    ),
    redirect(
        "CVE-2018-1000007",
        "a subdomain is another host",
        H,
        302,
        "https://x.h.example/",
        "GET https://x.h.example/ R -",
    ),
    redirect(
        "CVE-2022-27774",
        "another port is another origin",
        H,
        302,
        "https://h.example:8443/",
        "GET https://h.example:8443/ R -",
    ),
    redirect(
        "RFC 9110 4.3.1",
        "the default port is the same",
        H,
        302,
        "https://h.example:443/",
        "GET https://h.example:443/ APKCR -",
    ),
    redirect("RFC 9110 4.2.3", "hosts have no case", H, 302, "https://H.EXAMPLE/", "GET https://h.example/ APKCR -"),
    redirect(
        "CVE-2022-27776",
        "http on another port",
        "http://h.example:8080/",
        302,
        "http://h.example/",
        "GET http://h.example/ R -",
    ),
    redirect(
        "RFC 9110 17.9",
        "http to https of one host",
        "http://h.example/",
        302,
        "https://h.example/",
        "GET https://h.example/ APKCR -",
    ),
    redirect(
        "RFC 9110 17.9",
        "but not to another port",
        "http://h.example/",
        302,
        "https://h.example:444/",
        "GET https://h.example:444/ R -",
    ),
    redirect(
        "CVE-2022-31042", "https to http: no credentials", H, 302, "http://h.example/", "GET http://h.example/ - -"
    ),
    redirect("RFC 9110 10.1.3", "https to http: no Referer", H, 302, "http://g.example/", "GET http://g.example/ - -"),
    redirect(
        "RFC 9110 17.9", "https to http: no body", H, 307, "http://h.example/", "RequestException", "POST", data=b"x"
    ),
    redirect(
        "RFC 9110 17.9",
        "https to http, refused",
        H,
        302,
        "http://h.example/",
        "RequestException",
        redirects=Redirects(downgrade="refuse"),
    ),
    redirect(
        "RFC 9110 17.9",
        "https to http, as asked",
        H,
        307,
        "http://h.example/",
        "POST http://h.example/ - x",
        "POST",
        data=b"x",
        redirects=Redirects(downgrade="follow"),
    ),
    redirect("RFC 9110 10.2.2", "the fragment is inherited", H + "#f", 302, "/b", "GET https://h.example/b#f APKCR -"),
    redirect("RFC 9110 10.2.2", "unless it has one", H + "#f", 302, "/b#g", "GET https://h.example/b#g APKCR -"),
    redirect(
        "RFC 9110 4.2.4",
        "userinfo of a target is not used",
        H,
        302,
        "https://x:y@h.example/b",
        "GET https://h.example/b APKCR -",
    ),
    redirect(
        "RFC 9110 4.2.4", "userinfo stays behind", "https://u:p@h.example/a", 302, G, "GET https://g.example/b R -"
    ),
    redirect(
        "RFC 3986 5.2",
        "relative targets",
        "https://h.example/a/b?q",
        302,
        "../c?d",
        "GET https://h.example/c?d APKCR -",
    ),
    redirect("RFC 3986 2.1", "spaces are escaped", H, 302, "/a b", "GET https://h.example/a%20b APKCR -"),
    redirect("CVE-2019-9740", "control bytes are escaped", H, 302, "/a\x01b", "GET https://h.example/a%01b APKCR -"),
    redirect("RFC 3986 2.5", "8-bit bytes are escaped", H, 302, "/\xc3\xa9", "GET https://h.example/%C3%A9 APKCR -"),
    redirect("RFC 9110 17.1", "other schemes", H, 302, "file:///etc/passwd", "InvalidSchema"),
    redirect("RFC 9110 17.1", "javascript", H, 302, "javascript:alert(1)", "InvalidSchema"),
    redirect("RFC 3986 3.2", "backslashes", H, 302, "/\\g.example", "InvalidURL"),
    redirect("RFC 3986 3.2.3", "a port that is none", H, 302, "https://h.example:99999/", "InvalidURL"),
    redirect("RFC 9110 15.4", "30 hops", H, 302, ["/"] * 30, "GET https://h.example/ APKCR -"),
    redirect("RFC 9110 15.4", "31 hops", H, 302, ["/"] * 31, "TooManyRedirects"),
    redirect("RFC 9110 15.4", "no Location", H, 302, "", "GET https://h.example/a APKCR -"),
    redirect(
        "CVE-2023-43804",
        "cookies of the call stay behind",
        H,
        302,
        G,
        "GET https://g.example/b R -",
        cookies={"a": "b"},
        headers={"Cookie": None},
    ),
]

N = "machine h.example login u password p\n"

NETRC = [
    netrc("RFC 7617 2", "the host of the file", N, "http://h.example/", "u:p"),
    netrc("RFC 7617 2", "whatever the port", N, "http://h.example:8080/", "u:p"),
    netrc("RFC 9110 4.2.3", "hosts have no case", N, "http://H.EXAMPLE/", "u:p"),
    netrc("CVE-2024-47081", "a host behind a user is the host", N, "http://h.example:@evil.example/", "h.example:"),
    netrc("CVE-2024-47081", "a path is no host", N, "http://evil.example/h.example", None),
    netrc("RFC 9110 11.5", "hosts below are others", N, "http://x.h.example/", None),
    netrc("RFC 9110 11.5", "hosts above are others", N, "http://example/", None),
    netrc(
        "CVE-2025-0167",
        "the default entry is for nobody",
        N + "default login d password d\n",
        "http://g.example/",
        None,
    ),
    netrc(
        "CVE-2024-11053",
        "nothing after another origin",
        N + "machine g.example\n",
        "http://h.example/",
        None,
        "http://g.example/",
    ),
    netrc(
        "CVE-2024-11053",
        "not even what the file has for it",
        N + "machine g.example login g password g\n",
        "http://h.example/",
        None,
        "http://g.example/",
    ),
    netrc("CVE-2024-11053", "nor for whom another origin names", N, "http://g.example/", None, "http://h.example/"),
    netrc(
        "CVE-2024-45336", "nor on the way back", N, "http://h.example/", None, "http://g.example/", "http://h.example/"
    ),
    netrc("RFC 9110 17.9", "kept on one origin", N, "http://h.example/", "u:p", "/other"),
    netrc(
        "RFC 9110 11.6.2",
        "an Authorization field wins",
        N,
        "http://h.example/",
        "mine",
        headers={"Authorization": "mine"},
    ),
    netrc("RFC 9110 11.6.2", "auth= wins", N, "http://h.example/", "a:b", auth=("a", "b")),
    netrc("RFC 3986 3.2.1", "userinfo wins", N, "http://a:b@h.example/", "a:b"),
    netrc(
        "RFC 7617 2.1",
        "UTF-8",
        "machine h.example login \u00fc password \u00e9\n",
        "http://h.example/",
        "\u00fc:\u00e9",
    ),
    netrc("RFC 7617 2", "an entry that says nothing", "machine h.example\n", "http://h.example/", None),
    netrc(
        "RFC 7617 2",
        "a broken file",
        "machine h.example login u password p\nmachine\nbad bad",
        "http://h.example/",
        None,
    ),
]

S = "https://h.example/"
Y = "max-age=1000"

HSTS = [
    hsts("RFC 6797 8.3", "http becomes https", {S: Y}, "http://h.example/a?b", "https://h.example/a?b"),
    hsts("RFC 6797 8.3", "port 80 becomes 443", {S: Y}, "http://h.example:80/", "https://h.example/"),
    hsts("RFC 6797 8.3", "another port stays", {S: Y}, "http://h.example:8080/", "https://h.example:8080/"),
    hsts("RFC 6797 8.1", "not learnt over http", {"http://h.example/": Y}, "http://h.example/", "http://h.example/"),
    hsts(
        "RFC 6797 8.1",
        "not learnt where TLS was not verified",
        {S: Y},
        "http://h.example/",
        "http://h.example/",
        verified=False,
    ),
    hsts(
        "RFC 6797 8.1.1",
        "not learnt from addresses",
        {"https://127.0.0.1/": Y},
        "http://127.0.0.1/",
        "http://127.0.0.1/",
    ),
    hsts("RFC 6797 8.1.1", "nor from IPv6", {"https://[::1]/": Y}, "http://[::1]/", "http://[::1]/"),
    hsts(
        "RFC 6797 8.1", "the first of several fields", {S: [Y, "max-age=0"]}, "http://h.example/", "https://h.example/"
    ),
    hsts("RFC 6797 6.1.1", "still known", {S: Y}, "http://h.example/", "https://h.example/", later=999),
    hsts("RFC 6797 6.1.1", "known no more", {S: Y}, "http://h.example/", "http://h.example/", later=1000),
    hsts("RFC 6797 6.1.1", "max-age=0 forgets", {S: Y, S + "x": "max-age=0"}, "http://h.example/", "http://h.example/"),
    hsts(
        "RFC 6797 6.1.2",
        "hosts below, as told",
        {S: Y + "; includeSubDomains"},
        "http://a.b.h.example/",
        "https://a.b.h.example/",
    ),
    hsts("RFC 6797 6.1.2", "hosts below, not told", {S: Y}, "http://a.h.example/", "http://a.h.example/"),
    hsts(
        "RFC 6797 8.2",
        "a tail that is no label",
        {S: Y + "; includeSubDomains"},
        "http://badh.example/",
        "http://badh.example/",
    ),
    hsts("RFC 6797 8.2", "hosts above", {S: Y + "; includeSubDomains"}, "http://example/", "http://example/"),
    hsts(
        "CVE-2024-9681",
        "a host below does not speak for its parent",
        {S: Y, "https://a.h.example/": "max-age=0"},
        "http://h.example/",
        "https://h.example/",
    ),
    hsts(
        "CVE-2024-9681",
        "nor end what its parent said",
        {S: Y + "; includeSubDomains", "https://a.h.example/": "max-age=0"},
        "http://a.h.example/",
        "https://a.h.example/",
    ),
    hsts("CVE-2022-30115", "a root dot when asking", {S: Y}, "http://h.example./", "https://h.example./"),
    hsts(
        "CVE-2022-30115",
        "a root dot when learning",
        {"https://h.example./": Y},
        "http://h.example/",
        "https://h.example/",
    ),
    hsts(
        "CVE-2022-42916",
        "IDNA letters",
        {"https://xn--bcher-kva.example/": Y},
        "http://b\u00fccher.example/",
        "https://xn--bcher-kva.example/",
    ),
    hsts("CVE-2022-43551", "IDNA full stops", {S: Y}, "http://h\u3002example/", "https://h.example/"),
    hsts("RFC 6797 6.1", "names have no case", {S: "MAX-AGE=1000"}, "http://H.example/", "https://h.example/"),
    hsts("RFC 6797 6.1", "quoted values", {S: 'max-age="1000"'}, "http://h.example/", "https://h.example/"),
    hsts(
        "RFC 6797 6.1", "unknown directives", {S: "x=y; " + Y + "; preload"}, "http://h.example/", "https://h.example/"
    ),
    hsts("RFC 6797 6.1", "a directive twice", {S: Y + "; " + Y}, "http://h.example/", "http://h.example/"),
    hsts("RFC 6797 6.1", "no max-age", {S: "includeSubDomains"}, "http://h.example/", "http://h.example/"),
    hsts("RFC 6797 6.1", "broken fields", {S: "max-age=1000 x"}, "http://h.example/", "http://h.example/"),
    hsts("RFC 6797 8.3", "https stays https", {S: Y}, "https://h.example:80/", "https://h.example:80/"),
]

TABLE = [*COOKIES, *REDIRECTS, *NETRC, *HSTS]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.name} ({row.source})")
def test_row(row: Row) -> None:
    assert row.play() == row.expected


def test_the_table_is_large_and_every_row_has_its_source() -> None:
    assert len(TABLE) >= 120
    assert len({row.name for row in TABLE}) == len(TABLE)
    source = re.compile(r"RFC \d{4}(bis)? [\d.]+|CVE-\d{4}-\d{4,}")
    assert [row.name for row in TABLE if not source.fullmatch(row.source)] == []
