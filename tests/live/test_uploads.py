"""Bodies on their way in all three modes: forms with files, memory, progress, early answers, sending again."""

import email
import email.policy
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from loopback.scripted import CUT, HOLD, READ_HEAD, RESET, ScriptedServer, Send, Step, Tell, Wait
from loopback.swarm import Swarm, body_of, receipt
from loopback.ways import usage
from smartclient.exceptions import InvalidOption, UnrewindableBodyError, WriteError, WriteTimeout

Scripted = Callable[..., ScriptedServer]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLEAN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean"
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"
HUGE = 30_000_000  # bytes, more than sockets buffer


def of_form(seen: Seen) -> Page:
    """The parts of a form, read by the standard library: [name, file name, type, length, the first bytes]."""
    head = f"Content-Type: {seen.header('content-type')}\r\n\r\n".encode()
    message = email.message_from_bytes(head + seen.body, policy=email.policy.HTTP)
    parts = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        typed = part["content-type"] and part.get_content_type()
        parts.append([name, part.get_filename(), typed, len(content), content[:20].decode("latin-1")])
    return Page.of_json(
        {"parts": parts, "length": seen.header("content-length"), "coded": seen.header("transfer-encoding")}
    )


def limited(client: Client, authority: Authority | None = None, **options: Any) -> Any:
    trust = {} if authority is None else {"verify": str(authority.ca_file)}
    return client.session(limits=smartclient.Limits(max_connections=1), retries=0, timeout=20, **trust, **options)


# Forms with files


def test_form_with_files(client: Client, origin: Origin, tmp_path: Path) -> None:
    url = origin.route("/form", of_form)
    path = tmp_path / "report.csv"
    path.write_bytes(b"a,b\n" * 100_000)
    with open(path, "rb") as file:
        file.seek(4)
        files = [("one", file), ("two", ("other.txt", "text", "text/plain")), ("two", path)]
        response = client.post(url, data={"title": "x"}, files=files).json()
    assert response["parts"] == [
        ["title", None, None, 1, "x"],
        ["one", "report.csv", None, 399_996, "a,b\n" * 5],
        ["two", "other.txt", "text/plain", 4, "text"],
        ["two", "report.csv", None, 400_000, "a,b\n" * 5],
    ]
    assert int(response["length"]) > 799_996
    assert response["coded"] is None


def test_form_to_nginx(client: Client, nginx: str) -> None:
    assert client.post(nginx + "/status/200", files={"a": b"x" * 500_000}).content == b"200\n"


def test_content_type_of_the_caller_stays(client: Client, origin: Origin) -> None:
    client.post(origin.url + "/echo", files={"a": b"x"}, headers={"Content-Type": "multipart/mixed; boundary=x"})
    assert origin.seen.requests[0].header("content-type") == "multipart/mixed; boundary=x"


def test_files_by_position(client: Client, origin: Origin) -> None:
    """The order of requests: method, url, params, data, headers, cookies, files, auth."""
    url = origin.route("/form", of_form)
    response = client.request("POST", url, None, {"a": 1}, None, None, {"f": b"x"}, ("user", "pass"))
    assert [part[0] for part in response.json()["parts"]] == ["a", "f"]
    assert origin.seen.requests[0].header("authorization").startswith("Basic ")


@pytest.mark.parametrize("status", [307, 308])
def test_form_is_sent_again_to_where_a_redirect_points(
    client: Client, origin: Origin, status: int, tmp_path: Path
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"content")
    origin.route("/form", of_form)
    response = client.put(origin.url + "/to", params={"url": "/form", "status": status}, files={"a": path})
    assert response.json()["parts"] == [["a", "f", None, 7, "content"]]
    first, second = origin.seen.requests
    assert first.body == second.body


def test_form_that_can_be_read_once_is_not_sent_again(client: Client, origin: Origin) -> None:
    class Pipe:
        left = (b"a", b"")

        def read(self, size: int) -> bytes:
            piece, *self.left = self.left
            return piece

    with pytest.raises(UnrewindableBodyError):
        client.put(origin.url + "/to", params={"url": "/echo", "status": 307}, files={"a": Pipe()})


def test_form_is_sent_again_when_a_kept_connection_was_closed(
    client: Client, scripted: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 100_000)
    server = scripted([CLEAN, READ_HEAD, RESET], [OK])
    session = client.session(limits=smartclient.Limits(max_connections=1), retries=1, timeout=20)
    session.get(server.url)
    assert session.put(server.url, files={"a": path}).content == b"ok"
    assert server.connections[1].requests[0].count(b"x" * 100_000) == 1


def test_file_that_changes_its_length_while_it_is_sent(client: Client, scripted: Scripted, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 300_000)
    server = scripted([READ_HEAD, HOLD], [CLEAN])
    session = limited(client)
    with open(path, "r+b") as file:
        shrinking = Shrinking(file)
        with pytest.raises(InvalidOption, match="changed its length"):
            session.post(server.url, files={"a": shrinking})
    assert usage(session) == (0, 0)
    assert session.get(server.url).content == b"clean"


class Shrinking:
    """A file that somebody cuts while it is read."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.reads = 0

    def read(self, size: int) -> bytes:
        self.reads += size > 0
        if self.reads == 2:
            self.file.truncate(100_000)
        data: bytes = self.file.read(size)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


# Iterables


class EachLater:
    """An asynchronous iterable that really waits."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = list(pieces)

    def __aiter__(self) -> "EachLater":
        return self

    async def __anext__(self) -> Any:
        import anyio

        await anyio.sleep(0)
        if not self.pieces:
            raise StopAsyncIteration
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece


def test_asynchronous_iterable(loop_client: Client, origin: Origin) -> None:
    loop_client.post(origin.url + "/echo", data=EachLater(b"a", "é", b"", b"b" * 300_000))
    seen = origin.seen.requests[0]
    assert seen.body == "aé".encode() + b"b" * 300_000
    assert seen.header("transfer-encoding") == "chunked"


def test_asynchronous_iterable_with_a_length(loop_client: Client, origin: Origin) -> None:
    loop_client.post(origin.url + "/echo", data=EachLater(b"ab", b"c"), headers={"Content-Length": "3"})
    assert origin.seen.requests[0].body == b"abc"


def test_asynchronous_iterable_in_a_blocking_session(origin: Origin) -> None:
    with smartclient.Session() as session, pytest.raises(InvalidOption, match="AsyncSession"):
        session.post(origin.url + "/echo", data=EachLater(b"a"))
    assert origin.seen.connections == 0


@pytest.mark.parametrize("bad", [5, None, "\ud800"], ids=ascii)
def test_asynchronous_iterable_of_no_bytes(loop_client: Client, scripted: Scripted, bad: Any) -> None:
    session = limited(loop_client)
    with pytest.raises(InvalidOption, match="data: the iterable"):
        session.post(scripted([READ_HEAD, HOLD]).url, data=EachLater(b"a", bad))
    assert usage(session) == (0, 0)


def test_what_an_asynchronous_iterable_raises_passes(loop_client: Client, scripted: Scripted) -> None:
    failure = ZeroDivisionError("mine")
    session = limited(loop_client)
    with pytest.raises(ZeroDivisionError) as caught:
        session.post(scripted([READ_HEAD, HOLD]).url, data=EachLater(b"a", failure))
    assert caught.value is failure
    assert usage(session) == (0, 0)


class Threads:
    """A file on "disk" that notes which threads read it."""

    def __init__(self, content: bytes) -> None:
        self.left = [content, b""]
        self.readers: set[int] = set()

    def read(self, size: int) -> bytes:
        self.readers.add(threading.get_ident())
        return self.left.pop(0)


@pytest.mark.parametrize("option", ["data", "files"])
def test_files_are_read_off_the_loop(loop_client: Client, origin: Origin, option: str) -> None:
    file = Threads(b"content")
    loop_client.post(origin.url + "/echo", **{option: file if option == "data" else {"a": file}})
    assert b"content" in origin.seen.requests[0].body

    async def thread_of_the_loop() -> int:
        return threading.get_ident()

    assert loop_client.run(thread_of_the_loop) not in file.readers


# Progress


def test_progress_is_told_at_the_end(client: Client, swarm: Swarm) -> None:
    body = body_of("key", 700_000)
    told: list[tuple[int, int | None]] = []
    response = client.post(swarm.plain + "/up/key", data=body, progress=lambda *args: told.append(args))
    assert response.content == receipt("key", body)
    assert told[-1] == (700_000, 700_000)
    assert [each for each in told if each == (700_000, 700_000)] == [(700_000, 700_000)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"small", [(5, 5)]), (iter([b"a", b"b"]), [(2, None)]), (None, [])],
    ids=["small", "chunked", "none"],
)
def test_progress_of_small_bodies(client: Client, origin: Origin, data: Any, expected: Any) -> None:
    told: list[tuple[int, int | None]] = []
    pieces = iter([b"a", b"b"]) if expected == [(2, None)] else data
    client.post(origin.url + "/echo", data=pieces, progress=lambda *args: told.append(args))
    assert told == expected


def test_what_progress_raises_ends_the_call(client: Client, scripted: Scripted) -> None:
    failure = ZeroDivisionError("enough")

    def refuse(sent: int, total: int | None) -> None:
        raise failure

    server, session = scripted([READ_HEAD, HOLD], [CLEAN]), limited(client)
    with pytest.raises(ZeroDivisionError) as caught:
        session.post(server.url, data=b"x", progress=refuse)
    assert caught.value is failure
    assert usage(session) == (0, 0)
    assert session.get(server.url).content == b"clean"


def test_progress_must_be_callable(client: Client) -> None:
    with pytest.raises(InvalidOption, match="progress"):
        client.post("http://h.test", data=b"x", progress=5)


# Early answers


EARLY: dict[str, list[bytes | Step]] = {
    "before the request": [Send(TOO_LARGE), HOLD],
    "after the head, and nothing is read": [READ_HEAD, Send(TOO_LARGE)],
    "in two pieces": [READ_HEAD, Send(TOO_LARGE, len(TOO_LARGE) - 1), HOLD],
    "behind an interim one": [READ_HEAD, Send(b"HTTP/1.1 100 Continue\r\n\r\n" + TOO_LARGE), HOLD],
    "and closes": [READ_HEAD, Send(TOO_LARGE), CUT],
    "and resets": [READ_HEAD, Send(TOO_LARGE), RESET],
}
BODIES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"u" * HUGE,
    "chunked": lambda: iter([b"u" * 300_000] * 100),
    "small pieces": lambda: iter([b"u" * 1000] * (HUGE // 1000)),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("script", EARLY.values(), ids=EARLY)
def test_early_answer(
    client: Client, scripted: Scripted, authority: Authority, script: Any, body: Callable[[], Any], tls: bool
) -> None:
    options = {"context": authority.server_context()} if tls else {}
    server, session = scripted(script, [CLEAN], **options), limited(client, authority)
    response = session.post(server.url, data=body())
    assert (response.status_code, response.content) == (413, b"no")
    assert usage(session) == (0, 0)
    assert session.get(server.url).content == b"clean"
    assert len(server.connections) == 2
    assert len(server.connections[0].received) < HUGE


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_early_answer_while_sending_is_stuck(
    client: Client, scripted: Scripted, authority: Authority, tls: bool
) -> None:
    """The peer does not read, and answers only once nothing more goes out: no limit of time gets the call going."""
    options = {"context": authority.server_context()} if tls else {}
    stuck, release = threading.Event(), threading.Event()
    server = scripted([READ_HEAD, Wait(stuck), Send(TOO_LARGE), Wait(release)], [CLEAN], **options)
    session = client.session(retries=0, timeout=None, verify=str(authority.ca_file))
    threading.Timer(0.1, stuck.set).start()
    response = session.post(server.url, data=b"u" * HUGE)
    assert (response.status_code, response.content) == (413, b"no")
    assert usage(session) == (0, 0)
    release.set()


def test_peer_that_never_reads(client: Client, scripted: Scripted) -> None:
    release = threading.Event()
    server = scripted([READ_HEAD, Wait(release)])
    session = client.session(retries=0, timeout=smartclient.Timeout(5, write=0.05))
    with pytest.raises(WriteTimeout) as caught:
        session.post(server.url, data=b"u" * HUGE)
    assert (caught.value.sent, usage(session)) == ("partly", (0, 0))
    release.set()


def test_interim_answers_and_nothing_else(client: Client, scripted: Scripted) -> None:
    """More than a response may have: the peer's fault, told at once."""
    server = scripted([READ_HEAD, Send(b"HTTP/1.1 102 Processing\r\n\r\n" * 50), HOLD])
    session = limited(client)
    with pytest.raises(smartclient.exceptions.RemoteProtocolError, match="interim") as caught:
        session.post(server.url, data=b"u" * HUGE)
    assert (caught.value.sent, usage(session)) == ("partly", (0, 0))


def test_answer_of_no_http_while_sending(client: Client, scripted: Scripted) -> None:
    server, session = scripted([READ_HEAD, Send(b"\x00\x01garbage\r\n\r\n"), HOLD]), limited(client)
    with pytest.raises(smartclient.exceptions.RemoteProtocolError):
        session.post(server.url, data=b"u" * HUGE)
    assert usage(session) == (0, 0)


def test_reset_without_an_answer_is_told_as_such(client: Client, scripted: Scripted) -> None:
    server, session = scripted([READ_HEAD, RESET]), limited(client)
    with pytest.raises((WriteError, smartclient.exceptions.ReadError)) as caught:
        session.post(server.url, data=iter([b"u" * 1000] * 30_000))
    assert (caught.value.sent, usage(session)) == ("partly", (0, 0))


def test_answer_after_the_whole_body_keeps_the_connection(client: Client, scripted: Scripted) -> None:
    told = threading.Event()
    server = scripted([READ_HEAD, Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Tell(told), ReadChunks(), Send(OK), CLEAN])

    def pieces() -> Iterator[bytes]:
        yield b"a"
        assert told.wait(20)
        yield b"b" * 100_000

    session = limited(client)
    response = session.post(server.url, data=pieces())
    assert (response.content, [status for status, _ in response.interim]) == (b"ok", [100])
    assert session.get(server.url).content == b"clean"
    assert len(server.connections) == 1


class ReadChunks(Step):
    """Awaits the last chunk."""

    def play(self, connection: Any) -> None:
        end = connection._upto(b"\r\n0\r\n\r\n", connection._taken)
        connection._record(end)


# Memory


UPLOADING = """
import sys, anyio, smartclient
mode, url, path = sys.argv[1:]
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
async def upload(name):
    async with smartclient.AsyncSession() as session:
        assert (await session.put(url, files={"a": open(name, "rb")})).status_code == 200
def upload_plainly(name):
    with smartclient.Session() as session:
        assert session.put(url, files={"a": open(name, "rb")}).status_code == 200
def run(name):
    upload_plainly(name) if mode == "blocking" else anyio.run(upload, name, backend=mode)
run(path + ".small")
before = peak()
run(path)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("mode", ["blocking", "asyncio", "trio"])
def test_memory_does_not_grow_with_the_body(sink: str, mode: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    for name, size in ((f"{path}.small", 3_000_000), (str(path), 100_000_000)):
        with open(name, "wb") as sparse:
            sparse.truncate(size)
    command = [sys.executable, "-W", "ignore", "-c", UPLOADING, mode, sink, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 5000  # KiB


class _Swallow(Step):
    def play(self, connection: Any) -> None:
        data = connection.socket.recv(2**20)
        head, _, rest = data.partition(b"\r\n\r\n")
        left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) - len(rest)
        while left > 0 and (data := connection.socket.recv(2**20)):
            left -= len(data)
        connection.socket.sendall(OK)


@pytest.fixture
def sink(scripted: Scripted) -> str:
    """A server that keeps nothing of what it is sent."""
    return scripted([_Swallow()]).url
