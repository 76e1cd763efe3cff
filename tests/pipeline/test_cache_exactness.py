"""Whatever is asked for in whatever order, of a resource that changes and bodies that break: no byte is ever wrong."""

import re
from random import Random
from typing import Any

import pytest

from cache_world import Streamed, World, whole
from smartclient._model.body import BytesReader
from smartclient._model.errors import IncompleteBody
from smartclient._model.fields import format_http_date, parse_etag_list
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Reply
from smartclient._model.policy import CachePolicy
from smartclient._model.request import Request
from smartclient._rules.ranges import wanted_range

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


class HonestOrigin(World):
    """An origin with one resource, which does what RFC 9110 says, except that some of its bodies break off."""

    def __init__(self, tagged: bool) -> None:
        super().__init__(policy=CachePolicy(complete_parts=True))
        self.tagged = tagged
        self.version = 0
        self.breaks_after: int | None = None

    def content(self, version: int) -> bytes:
        return bytes([ALPHABET[(version + place) % 26] for place in range(6 + version % 4 // 3)])

    async def origin(self, request: Request) -> Reply:
        content, tag = self.content(self.version), f'"{self.version}"'
        fields = request.fields
        lines = [("Date", format_http_date(self.now)), ("Cache-Control", "max-age=5"), ("X-Version", str(self.version))]
        if self.tagged:
            lines.append(("ETag", tag))
            if any(str(each) == tag for each in parse_etag_list(fields.get("if-none-match", ""))):
                return Reply(Head(304, Fields(lines)), BytesReader(b""), request)
        wanted = wanted_range(fields.get("range", "")) if fields.get("if-range", tag) == tag else None
        status, first = 200, 0
        if wanted is not None and request.method == "GET":
            last = len(content) if wanted.last is None else wanted.last
            span = slice(-wanted.suffix, None) if wanted.suffix else slice(wanted.first, last + 1)
            positions = range(len(content))[span]
            if not positions:
                return Reply(Head(416, Fields(lines)), BytesReader(b""), request)
            status, first = 206, positions[0]
            lines.append(("Content-Range", f"bytes {first}-{positions[-1]}/{len(content)}"))
            content = content[span]
        lines.append(("Content-Length", str(len(content))))
        body: Any = BytesReader(b"" if request.method == "HEAD" else content)
        if self.breaks_after is not None and request.method == "GET":
            kept, self.breaks_after = content[: self.breaks_after], None
            if len(kept) < len(content):
                body = Streamed([kept] if kept else [], IncompleteBody("cut"))
        return Reply(Head(status, Fields(lines)), body, request)

    def check(self, reply: Reply) -> None:
        """Every byte is of the version that the response says it is, at the place that it says."""
        try:
            got = whole(reply)
        except IncompleteBody:
            return
        fields = reply.head.fields
        content = self.content(int(fields.get("x-version", self.version)))
        covered = re.fullmatch(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)", fields.get("content-range", ""))
        if reply.head.status == 206:
            assert covered is not None
            first, last, total = map(int, covered.groups())
            assert (got, total) == (content[first : last + 1], len(content))
        elif reply.head.status == 200 and reply.request.method == "GET":
            assert (got, covered) == (content, None)
        if "content-length" in fields and reply.head.status in (200, 206):
            assert int(fields.get("content-length")) == len(got) or reply.request.method == "HEAD"


def play(world: HonestOrigin, dice: Random) -> None:
    """One step of any kind."""
    match dice.choices(("range", "suffix", "get", "head", "wait", "change", "break"), (60, 5, 8, 5, 4, 8, 10))[0]:
        case "range":
            first, last = sorted((dice.randrange(7), dice.randrange(7)))
            world.check(world.send(("Range", f"bytes={first}-{last if dice.random() < 0.8 else ''}")))
        case "suffix":
            world.check(world.send(("Range", f"bytes=-{dice.randrange(1, 8)}")))
        case "get":
            world.check(world.send(cache=dice.choice(("default", "default", "refresh", "reload"))))
        case "head" if (
            world.tagged
        ):  # without validators, section 4.3.5 lets a HEAD of the same length confirm anything
            world.check(world.send(method="HEAD", cache=dice.choice(("default", "refresh"))))
        case "wait":
            world.now += dice.randrange(1, 9)
        case "change":
            world.version += 1
        case "break":
            world.breaks_after = dice.randrange(7)


@pytest.mark.parametrize("tagged", [True, False], ids=["tagged", "untagged"])
@pytest.mark.parametrize("seed", range(20))
def test_no_byte_is_ever_wrong(tagged: bool, seed: int) -> None:
    dice = Random(seed)
    world = HonestOrigin(tagged)
    for _ in range(300):
        play(world, dice)
