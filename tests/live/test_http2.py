"""HTTP/2 over TLS: against nginx, and against a server that goes away, refuses, resets, floods and stalls."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.http2 import Handler, Http2Peer, Http2Server
from loopback.nginx import Nginx
from loopback.relay import Relay
from loopback.waiting import until

Start = Callable[..., Http2Server]


@pytest.fixture
def start(authority: Authority) -> Iterator[Start]:
    servers: list[Http2Server] = []

    def new(**options: Any) -> Http2Server:
        servers.append(Http2Server(authority.server_context("localhost"), **options))
        return servers[-1]

    yield new
    for server in servers:
        server.close()


@pytest.fixture
def session(client: Client, authority: Authority) -> Any:
    return client.session(http2=True, verify=str(authority.ca_file), cache=None, timeout=10)


@pytest.fixture(scope="module")
def http2_nginx(nginx_process: Nginx) -> str:
    return f"https://localhost:{nginx_process.ports[2]}"


def test_pages(session: Any, http2_nginx: str) -> None:
    page = session.get(http2_nginx + "/1k")
    assert (page.http_version, page.status_code, len(page.content)) == ("HTTP/2", 200, 1024)
    assert page.tls.alpn == "h2"
    assert session.get(http2_nginx + "/gzip").text.startswith("line 0")
    assert session.head(http2_nginx + "/1k").headers["Content-Length"] == "1024"
    assert session.get(http2_nginx + "/status/404").status_code == 404
    assert session.get(http2_nginx + "/redirect/302").history[0].http_version == "HTTP/2"
    assert len(session.get(http2_nginx + "/big").content) == 16 * 2**20
    assert session.stats().opened == 1


def test_a_thousand_requests_share_a_connection(client: Client, session: Any, http2_nginx: str) -> None:
    for _ in range(5):
        answers = client.together([("GET", http2_nginx + "/1k", {})] * 200, session)
        assert [each.status_code for each in answers] == [200] * 200
    assert session.stats()[:5] == (0, 1, 0, 1, 1000)


def test_the_limit_of_the_peer_is_kept(client: Client, session: Any, start: Start) -> None:
    waiting: list[tuple[int, bytes]] = []

    def five_at_a_time(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        waiting.append((number, body))
        if len(waiting) == 5:
            for each, content in waiting:
                peer.answer(each, content)
            waiting.clear()

    server = start(max_streams=5)
    server.handlers["/five"] = five_at_a_time
    assert session.get(server.url).ok  # from here on the limit is known
    answers = client.together([("POST", server.url + "/five", {"data": b"x" * n}) for n in range(40)], session)
    assert [each.content for each in answers] == [b"x" * n for n in range(40)]
    assert (len(server.peers), server.peers[0].most) == (1, 5)


def test_a_server_without_it(client: Client, session: Any, tls_origin: Any) -> None:
    answers = client.together([("GET", tls_origin.url + "/", {})] * 3, session)
    assert [each.http_version for each in answers] == ["HTTP/1.1"] * 3


def test_uploads_wait_for_room(client: Client, session: Any, start: Start) -> None:
    server = start()
    bodies = [bytes([n]) * 300_000 for n in range(4)]
    answers = client.together([("PUT", server.url + "/", {"data": body}) for body in bodies], session)
    assert [each.text for each in answers] == ["PUT / 300000"] * 4
    chunked = session.post(server.url + "/", data=iter([b"one", b"two"])) if client.mode == "blocking" else None
    assert chunked is None or chunked.text == "POST / 6"


def _acknowledge(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
    peer.acknowledge()
    peer.answer(number)


def _stuck_upload(client: Client, session: Any, server: Http2Server, release: Handler = _acknowledge) -> Any:
    """The answer to a PUT of 100 kB that comes to have no room; `release` serves the calls that go on beside it."""
    server.handlers["/release"] = release
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(client.together, [("PUT", server.url + "/up", {"data": bytes(100_000)})], session)
        until(lambda: sum(size for peer in server.peers for size, _ in peer.held) == 65_535)
        while not upload.done():
            assert session.get(server.url + "/release").ok
    assert len(server.peers) == 1
    return upload.result()[0]


def test_room_that_comes_late(client: Client, session: Any, start: Start) -> None:
    server = start(holds_back=True)
    assert _stuck_upload(client, session, server).text == "PUT /up 100000"


def test_room_that_shrinks_under_way(client: Client, session: Any, start: Start) -> None:
    """The first request is sent before the server's settings are known, and what is sent then is too much."""
    server = start(window=1000)
    answers = client.together([("PUT", server.url + "/up", {"data": b"x" * 100_000})] * 3, session)
    assert [getattr(each, "text", each) for each in answers] == ["PUT /up 100000"] * 3
    assert len(server.peers) == 1


def test_interim_responses_make_no_room(client: Client, session: Any, start: Start) -> None:
    server = start(holds_back=True)
    server.early["/up"] = lambda peer, number, head, body: peer.h2.send_headers(number, [(":status", "103")])
    assert _stuck_upload(client, session, server).text == "PUT /up 100000"


def test_an_early_answer_to_a_lane_without_room(client: Client, session: Any, start: Start) -> None:
    """The rest of the answer comes when there is room again, which nobody wants any more."""

    def release(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        steps.append(number)
        if len(steps) == 1:
            peer.h2.send_headers(uploads[0], [(":status", "413")])
        elif len(steps) == 2:
            peer.acknowledge()
        elif len(steps) == 3:
            peer.h2.send_data(uploads[0], b"too large", end_stream=True)
        peer.answer(number, b"released")

    uploads: list[int] = []
    steps: list[int] = []
    server = start(holds_back=True)
    server.early["/up"] = lambda peer, number, head, body: uploads.append(number)
    answer = _stuck_upload(client, session, server, release)
    assert (answer.status_code, answer.content) == (413, b"too large")


def test_an_early_answer_ends_the_upload(session: Any, start: Start) -> None:
    server = start()
    server.early["/"] = lambda peer, number, head, body: peer.answer(number, b"too large", 413)
    assert session.post(server.url + "/", data=b"x" * 2_000_000).status_code == 413
    assert session.get(server.url + "/more").ok
    assert len(server.peers) == 1


def test_interim_responses_and_trailers(session: Any, start: Start) -> None:
    def handler(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        peer.h2.send_headers(number, [(":status", "103"), ("link", "</a>")])
        peer.h2.send_headers(number, [(":status", "200")])
        peer.h2.send_data(number, b"content")
        peer.h2.send_headers(number, [("checksum", "abc")], end_stream=True)

    server = start()
    server.handlers["/"] = handler
    answer = session.get(server.url)
    assert (answer.content, answer.trailers["Checksum"]) == (b"content", "abc")


def test_going_away_loses_nothing(client: Client, session: Any, start: Start) -> None:
    """Ten POSTs are under way when the server goes away after the fifth: five are answered, five were never seen."""
    server = start()
    asked: list[int] = []

    def handler(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        asked.append(number)
        if peer is not server.peers[0]:
            peer.answer(number, b"second")
        elif len(asked) == 10:
            lowest = sorted(asked)[:5]
            peer.send_raw(b"\0\0\x08\x07\0\0\0\0\0" + lowest[-1].to_bytes(4, "big") + bytes(4))
            for early in lowest:
                peer.answer(early, b"first")

    server.handlers["/"] = handler
    answers = client.together([("POST", server.url + "/", {"data": b"x"})] * 10, session)
    assert sorted(getattr(each, "text", str(each)) for each in answers) == ["first"] * 5 + ["second"] * 5


def test_a_refused_stream_is_asked_for_again(session: Any, start: Start) -> None:
    server = start()

    def refuse(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        if peer is server.peers[0]:
            peer.h2.reset_stream(number, 7)
        else:
            peer.answer(number, b"now")

    server.handlers["/"] = refuse
    assert session.post(server.url + "/", data=b"x").content == b"now"


def _flood(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
    peer.send_raw(b"\0\0\x08\x06\0\0\0\0\0" + bytes(8))
    peer.send_raw((b"\0\0\x08\x06\x01\0\0\0\0" + bytes(8)) * 11_000)


def _many_interim(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
    for _ in range(17):
        peer.h2.send_headers(number, [(":status", "103")])


FAULTS = {
    "reset": (lambda peer, number, head, body: peer.h2.reset_stream(number, 2), "INTERNAL_ERROR"),
    "garbage": (lambda peer, number, head, body: peer.send_raw(b"HTTP/1.1 400 no\r\n\r\n"), "frame of"),
    "closed": (lambda peer, number, head, body: peer.close(), "closed|EOF"),
    "flood": (_flood, "10000 frames"),
    "interim": (_many_interim, "16 interim"),
    "push": (lambda peer, number, head, body: peer.send_raw(b"\0\0\x04\x05\x04\0\0\0\x01\0\0\0\x02"), "broke HTTP/2"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_errors_of_ours(session: Any, start: Start, fault: str) -> None:
    server = start()
    server.handlers["/"], told = FAULTS[fault]
    with pytest.raises(smartclient.exceptions.ConnectionError, match=told) as caught:
        session.post(server.url + "/", data=b"x")
    assert caught.value.sent == "wholly"
    assert session.get(server.url + "/after").ok
    assert session.stats().active == 0


def test_a_body_that_breaks_off(session: Any, start: Start) -> None:
    def handler(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        peer.h2.send_headers(number, [(":status", "200"), ("content-length", "10")])
        peer.h2.send_data(number, b"half")
        peer.flush()
        peer.h2.reset_stream(number, 2)

    server = start()
    server.handlers["/"] = handler
    with pytest.raises(smartclient.exceptions.IncompleteBody):
        session.get(server.url)
    assert session.get(server.url + "/after").ok
    assert len(server.peers) == 1


def test_one_that_stalls_holds_up_no_other(client: Client, session: Any, start: Start) -> None:
    server = start()
    server.handlers["/stall"] = lambda peer, number, head, body: None
    calls = [("GET", server.url + "/stall", {"timeout": 0.3, "retries": 0})]
    calls += [("GET", f"{server.url}/{n}", {}) for n in range(5)]
    stalled, *others = client.together(calls, session)
    assert isinstance(stalled, smartclient.exceptions.ReadTimeout)
    assert [each.text for each in others] == [f"GET /{n} 0" for n in range(5)]
    assert len(server.peers) == 1
    assert session.get(server.url + "/after").ok
    assert session.stats()[:2] == (0, 1)


def test_one_that_takes_nothing_holds_up_no_other_for_good(client: Client, session: Any, start: Start) -> None:
    """The limit of the one that writes passes while the server is asleep; the others have their answers in the end."""

    def sleep(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        asleep.set()
        assert awake.wait(20)
        peer.answer(number, b"slept well")

    asleep, awake = threading.Event(), threading.Event()
    server = start(window=2**25)
    server.handlers["/sleep"] = sleep
    assert session.get(server.url).ok  # from here on the room is known
    with ThreadPoolExecutor(1) as pool:
        sleeper = pool.submit(client.together, [("GET", server.url + "/sleep", {})], session)
        assert asleep.wait(20)
        call = ("PUT", server.url + "/up", {"data": bytes(2**24), "timeout": 0.5, "retries": 0})
        [late] = client.together([call], session)
        awake.set()
        [slept] = sleeper.result()
    assert isinstance(late, smartclient.exceptions.Timeout)
    assert slept.text == "slept well"
    assert session.get(server.url + "/after").ok
    assert server.peers[0].paths[:3] == ["/", "/sleep", "/up"]


def test_a_silent_connection_gets_no_more_calls(client: Client, session: Any, start: Start) -> None:
    def sleep(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        assert awake.wait(20)

    awake = threading.Event()
    server = start()
    server.handlers["/sleep"] = sleep
    with pytest.raises(smartclient.exceptions.ReadTimeout):
        session.get(server.url + "/sleep", timeout=0.2, retries=0)
    assert session.get(server.url + "/after").ok
    awake.set()
    assert [peer.paths for peer in server.peers] == [["/sleep"], ["/after"]]


def test_a_connection_that_is_heard_again_gets_calls(session: Any, start: Start) -> None:
    """After a call that was never answered the server is asked whether it is there."""

    def is_heard() -> bool:
        lanes = getattr(session, "inner", session)._pool._lanes
        return any(place.connection.traffic.stream.is_readable() for place in lanes._places.values())

    server = start()
    server.handlers["/ignored"] = lambda peer, number, head, body: None
    with pytest.raises(smartclient.exceptions.ReadTimeout):
        session.get(server.url + "/ignored", timeout=0.2, retries=0)
    until(is_heard)
    assert session.get(server.url + "/after").ok
    assert [peer.paths for peer in server.peers] == [["/ignored", "/after"]]


def test_a_host_that_does_not_answer_is_asked_once(client: Client, session: Any, start: Start) -> None:
    """Calls that wait for one connection share its failure."""

    def waiting() -> int:
        lanes = getattr(session, "inner", session)._pool._lanes
        return sum(len(place.waiters) for place in lanes._places.values())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        accepted: list[socket.socket] = []

        def refuse() -> None:
            accepted.append(listener.accept()[0])
            until(lambda: waiting() == 4)
            accepted[0].close()

        thread = threading.Thread(target=refuse)
        thread.start()
        answers = client.together([("GET", url, {"retries": 0})] * 5, session)
        thread.join()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert [type(each) for each in answers] == [smartclient.exceptions.SSLError] * 5
    assert len({str(each) for each in answers}) == 1
    assert len({id(each) for each in answers}) == 5


def test_what_came_before_a_broken_frame_is_delivered(session: Any, start: Start) -> None:
    def handler(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
        peer.answer(number, b"whole")
        peer.socket.sendall(peer.h2.data_to_send() + b"\0\0\x05\x06\0\0\0\0\0" + bytes(5))

    server = start()
    server.handlers["/"] = handler
    assert session.get(server.url).text == "whole"
    assert session.get(server.url + "/after").ok
    assert len(server.peers) == 2


def test_through_a_proxy_under_tls(client: Client, session: Any, start: Start, authority: Authority) -> None:
    server, proxy = start(), Relay("https", authority.server_context())
    bodies = [bytes([n]) * 200_000 for n in range(4)]
    calls = [("PUT", server.url, {"data": body, "proxies": {"https": proxy.url}}) for body in bodies]
    try:
        answers = client.together(calls, session)
    finally:
        session.close()
        proxy.close()
    assert [(each.text, each.http_version) for each in answers] == [("PUT / 200000", "HTTP/2")] * 4
    assert len(server.peers) == len(proxy.ways) == 1


def test_streams_share_and_dropped_ones_are_reset(session: Any, http2_nginx: str) -> None:
    with session.stream("GET", http2_nginx + "/big") as first, session.stream("GET", http2_nginx + "/1k") as second:
        pieces = first.iter_content(1000)
        assert len(next(iter(pieces))) == 1000
        assert sum(map(len, second.iter_content(100))) == 1024
    assert session.stats()[:4] == (0, 1, 0, 1)
    assert session.get(http2_nginx + "/1k").ok


def test_threads_share_a_connection(authority: Authority, http2_nginx: str) -> None:
    with smartclient.Session(http2=True, verify=str(authority.ca_file), cache=None) as session:
        sizes: list[int] = []

        def work() -> None:
            for _ in range(20):
                sizes.append(len(session.get(http2_nginx + "/text").content))

        threads = [threading.Thread(target=work) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(sizes), len(set(sizes)), session.stats().opened) == (200, 1, 1)
