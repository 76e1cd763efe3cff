"""Streams that go on where they break off, and JSON lines, in all three modes."""

import gzip
import itertools
from collections.abc import Iterator

import pytest

from loopback.clients import Client
from loopback.files import Entity, FileServer, Head, content_of
from smartclient._rules import resume
from smartclient.exceptions import BodyTooLarge, IncompleteBody, InvalidOption, JSONDecodeError

MIB = 2**20
CONTENT = content_of(2 * MIB)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(Entity(CONTENT)) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "delay_before_retry", lambda *_: 0.001)


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_stream_goes_on(client: Client, server: FileServer, length: bool) -> None:
    server.entity = Entity(CONTENT, length=length)
    server.cuts = iter([100_000, 200_000, 0, 300_000])
    with client.stream("GET", server.url, resume=True, headers={"X-Test": "1"}) as response:
        assert response.status_code == 200
        assert b"".join(response.iter_content(50_000)) == CONTENT
    starts = [None, 100_000, 300_000, 300_000, 600_000]
    assert [head.get("range") for head in server.heads] == [at and f"bytes={at}-" for at in starts]
    assert {head["x-test"] for head in server.heads} == {"1"}
    assert {head["accept-encoding"] for head in server.heads} == {"identity"}


@pytest.mark.parametrize(
    "entity",
    [
        pytest.param(Entity(CONTENT, etag=None), id="no-validator"),
        pytest.param(Entity(CONTENT, etag='W/"weak"'), id="weak"),
        pytest.param(Entity(gzip.compress(CONTENT), fields={"Content-Encoding": "gzip"}), id="coded"),
        pytest.param(Entity(CONTENT, ranges=False), id="no-parts"),
    ],
)
def test_stream_that_cannot_go_on_raises(client: Client, server: FileServer, entity: Entity) -> None:
    server.entity = entity
    server.cuts = iter([100_000])
    with client.stream("GET", server.url, resume=True) as response, pytest.raises(IncompleteBody):
        list(response.iter_content(50_000))


def test_stream_of_what_changed_raises(client: Client, server: FileServer) -> None:
    def swap(head: Head) -> None:
        if len(server.heads) == 2:
            server.entity = Entity(CONTENT[::-1], etag='"two"')

    server.respond = swap
    server.cuts = iter([100_000])
    with client.stream("GET", server.url, resume=True) as response, pytest.raises(IncompleteBody):
        list(response.iter_content(50_000))


def test_stream_gives_up_in_the_end(client: Client, server: FileServer) -> None:
    server.cuts = itertools.chain([1000], itertools.repeat(0))
    with client.stream("GET", server.url, resume=True) as response, pytest.raises(IncompleteBody):
        list(response.iter_content(50_000))
    assert len(server.heads) == 7


def test_only_get_is_resumed(client: Client, server: FileServer) -> None:
    with pytest.raises(InvalidOption, match="GET"):
        client.stream("POST", server.url, resume=True).__enter__()


def test_json_lines(client: Client, server: FileServer) -> None:
    server.entity = Entity(b'{"a": 1}\n\n[2]\r\nnull\n  \n"\xc3\xa4"')
    with client.stream("GET", server.url) as response:
        assert list(response.iter_json_lines()) == [{"a": 1}, [2], None, "ä"]
    assert list(client.get(server.url).iter_json_lines()) == [{"a": 1}, [2], None, "ä"]


def test_json_lines_that_are_none(client: Client, server: FileServer) -> None:
    server.entity = Entity(b"1\n{\n")
    with client.stream("GET", server.url) as response:
        values = response.iter_json_lines()
        assert next(values) == 1
        with pytest.raises(JSONDecodeError):
            next(values)


@pytest.mark.parametrize("name", ["iter_lines", "iter_json_lines"])
def test_line_has_a_limit(client: Client, server: FileServer, name: str) -> None:
    server.entity = Entity(b"1\n" + b"2" * 100)
    with client.stream("GET", server.url) as response, pytest.raises(BodyTooLarge, match="50"):
        list(getattr(response, name)(max_line=50))
