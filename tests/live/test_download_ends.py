"""Downloads that are given up, or happen at the same time: no file is half, no connection is lost."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.files import Entity, FileServer, Head, content_of
from loopback.ways import usage

MIB = 2**20
CONTENT = content_of(20 * MIB)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(Entity(CONTENT)) as server:
        yield server


@pytest.mark.parametrize("parallel", [1, 4])
def test_cancelled_and_taken_up_again(loop_client: Client, server: FileServer, tmp_path: Path, parallel: int) -> None:
    session = loop_client.session()
    path = tmp_path / "file"

    async def scenario() -> None:
        with anyio.CancelScope() as scope:

            def enough(done: int, total: int | None, rate: float) -> None:
                if done > 2 * MIB:
                    scope.cancel()

            await session.inner.download(server.url, path, parallel=parallel, progress=enough)
        assert scope.cancelled_caught or path.exists()

    server.watch = lambda sent, size: threading.Event().wait(0.002)  # slow enough to be told of
    loop_client.run(scenario)
    server.watch = lambda sent, size: None
    assert usage(session.inner) == (0, 0)
    assert not path.exists()
    done = session.download(server.url, path)
    assert done.resumed_from > 0
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("parallel", [1, 4])
def test_interrupted_and_taken_up_again(
    server: FileServer, tmp_path: Path, parallel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"

    def interrupt(done: int, total: int | None, rate: float) -> None:
        raise KeyboardInterrupt

    server.watch = lambda sent, size: threading.Event().wait(0.002)
    with smartclient.Session() as session:
        with pytest.raises(KeyboardInterrupt):
            session.download(server.url, path, parallel=parallel, progress=interrupt)
        assert usage(session) == (0, 0)
        assert not path.exists()
        server.watch = lambda sent, size: None
        assert session.download(server.url, path).resumed_from > 0
    assert path.read_bytes() == CONTENT


def test_two_at_once(server: FileServer, tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=20)

    def together(head: Head) -> None:
        both.wait()

    def fetch() -> None:
        try:
            session.download(server.url, tmp_path / "file")
        except BaseException as error:
            failures.append(error)

    server.respond = together
    failures: list[Any] = []
    with smartclient.Session() as session:
        threads = [threading.Thread(target=fetch) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_stages_hooks_and_settings_of_the_session_count(client: Client, server: FileServer, tmp_path: Path) -> None:
    session = client.session(base_url=server.url + "/x/", headers={"X-Test": "1"}, params={"a": "b"}, auth=("u", "p"))
    session.download("file", tmp_path, params={"c": "d"}, headers={"Accept-Encoding": "gzip"})
    assert (tmp_path / "file").read_bytes() == CONTENT
    head = server.heads[0]
    assert head[""] == "GET /x/file?a=b&c=d HTTP/1.1"
    assert head["x-test"] == "1"
    assert head["authorization"].startswith("Basic ")
    assert head["accept-encoding"] == "gzip"


def test_explicit_total_is_for_all_of_it(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.watch = lambda sent, size: threading.Event().wait(0.02)
    with pytest.raises(smartclient.exceptions.DeadlineExceeded):
        client.download(server.url, tmp_path / "file", timeout=limit(0.2))
    assert not (tmp_path / "file").exists()


def limit(total: float) -> Any:
    from smartclient._model.options import Timeout

    return Timeout(5, total=total)


@pytest.mark.parametrize("parallel", [1, 2])
def test_over_tls_from_nginx(
    client: Client, nginx_tls: str, authority: Authority, tmp_path: Path, parallel: int
) -> None:
    session = client.session(verify=str(authority.ca_file))
    done = session.download(nginx_tls + "/big", tmp_path, parallel=parallel, if_changed=True)
    assert done.path.read_bytes() == bytes(range(256)) * (16 * 4096)
    assert done.response.status_code == (200 if parallel == 1 else 206)
    assert session.download(nginx_tls + "/big", done.path, if_changed=True).response.status_code == 304
