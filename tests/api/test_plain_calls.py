"""Calls without options are made as the one before them: every change in between must be seen all the same."""

import os
import pickle
from abc import ABC
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import outgoing
import smartclient
from smartclient import AsyncSession, Session
from smartclient._api.netrc import FOUND
from smartclient._api.tls import TLS_VARIABLES
from smartclient._model.request import Request
from smartclient._net.transport import SyncTransport
from smartclient.exceptions import MissingSchema

URL = "http://host.test/a"


def sent(session: Session, url: Any = URL, **options: Any) -> Request:
    return outgoing.sent(session, url, **options)


def said(request: Request) -> tuple[Any, ...]:
    return (str(request.url), request.fields.lines, request.options, request.deadline == float("inf"))


def environ(name: str, value: str) -> Callable[[Session], None]:
    return lambda session: os.environ.__setitem__(name, value)


def setting(name: str, value: Any) -> Callable[[Session], None]:
    return lambda session: setattr(session, name, value)


CHANGES: dict[str, Callable[[Session], Any]] = {
    "a field in place": lambda session: session.headers.update({"X-A": "b"}),
    "a field gone": lambda session: session.headers.pop("Accept"),
    "other headers": setting("headers", {"X-A": "b"}),
    "auth": setting("auth", ("ann", "pw")),
    "params in place": lambda session: session.params.update({"q": "1"}),
    "params": setting("params", {"q": "1"}),
    "timeout": setting("timeout", 3.5),
    "no timeout": setting("timeout", None),
    "verify": setting("verify", os.__file__),
    "no verify": setting("verify", False),
    "proxies in place": lambda session: session.proxies.update({"http": "http://proxy.test:1"}),
    "proxies": setting("proxies", {"http": "http://proxy.test:1"}),
    "max_redirects": setting("max_redirects", 3),
    "retries": setting("retries", 0),
    "limits": setting("limits", smartclient.Limits(body_max=5)),
    "stream": setting("stream", True),
    "raise_for_status": setting("raise_for_status", True),
    "strict_accept": setting("strict_accept", True),
    "accept": setting("accept", "text/html"),
    "cache": setting("cache", None),
    "credential_fields": setting("credential_fields", ["X-Key"]),
    "http_proxy": environ("http_proxy", "http://proxy.test:1"),
    "REQUESTS_CA_BUNDLE": environ("REQUESTS_CA_BUNDLE", os.__file__),
    "other CURL_CA_BUNDLE": environ("CURL_CA_BUNDLE", os.__file__),
    "no CURL_CA_BUNDLE": lambda session: os.environ.pop("CURL_CA_BUNDLE"),
    "another environment": lambda session: setattr(os, "environ", {"http_proxy": "http://proxy.test:1"}),
    "a mock": lambda session: setattr(SyncTransport, "handle_request", lambda self, request: None),
}


def _matters(name: str) -> bool:
    return name.lower().endswith("_proxy")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable that matters, but one of TLS; all of it, and the shell, are put back."""
    for name in {*filter(_matters, os.environ), "http_proxy", *TLS_VARIABLES, "NETRC"}:
        monkeypatch.setenv(name, "")  # so that whatever becomes of it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CURL_CA_BUNDLE", pytest.__file__)
    monkeypatch.setattr(os, "environ", os.environ)
    monkeypatch.setattr(SyncTransport, "handle_request", SyncTransport.handle_request)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.filterwarnings("ignore:Unverified")
def test_a_change_is_seen_by_the_next_call(name: str) -> None:
    session = Session()
    before = [said(sent(session)) for _ in range(3)]
    assert before[0] == before[1] == before[2]
    CHANGES[name](session)
    after = said(sent(session))
    assert after == said(sent(session)) == said(sent(session, allow_redirects=True))
    assert after != before[0]


def test_a_netrc_file_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    sent(session)
    file = tmp_path / "named"
    file.write_text("machine host.test login ann password pw")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    assert sent(session).fields.get("authorization") is not None
    monkeypatch.delenv("NETRC")
    FOUND.look_now()
    assert sent(session).fields.get("authorization") is None


def test_the_environment_is_not_asked_where_it_does_not_count() -> None:
    session = Session(trust_env=False)
    before = said(sent(session))
    os.environ["http_proxy"] = "http://proxy.test:1"
    assert said(sent(session)) == said(sent(session)) == before


@pytest.mark.parametrize("where", ["instance", "class"])
@pytest.mark.parametrize("kind", [Session, AsyncSession])
def test_whoever_replaces_request_sees_what_requests_gives(kind: Any, where: str) -> None:
    session = kind()
    if kind is Session:
        sent(session)
    with mock.patch.object(session if where == "instance" else kind, "request") as request:
        answer = session.get(URL)
        if kind is AsyncSession:
            with pytest.raises(StopIteration):
                answer.send(None)
    assert request.call_args.args == ("GET", URL)
    assert kind is AsyncSession or request.call_args.kwargs["allow_redirects"] is True


class Own(Session, ABC):
    """A subclass whose settings are computed."""

    token = "a"

    @property
    def auth(self) -> Any:
        return ("ann", self.token)

    @auth.setter
    def auth(self, value: Any) -> None:
        pass


def test_a_subclass_may_compute_its_settings() -> None:
    session = Own()
    before = said(sent(session))
    session.__dict__["token"] = "b"
    assert said(sent(session)) != before


def test_stages_that_are_added_are_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    sent(session)
    seen: list[Any] = []

    def stage(request: Any, next: Any) -> Any:
        seen.append(request)
        return next(request)

    session.stages = [stage]
    sent(session)
    assert len(seen) == 1


def test_a_base_is_seen() -> None:
    session = Session()
    sent(session)
    session.base_url = "http://other.test/b/"
    assert str(sent(session, "c").url) == str(sent(session, "c").url) == "http://other.test/b/c"


def test_derived_and_pickled_sessions_begin_anew() -> None:
    session = Session()
    sent(session)
    derived = session.derive(headers={"X-A": "b"}, timeout=3)
    copied = pickle.loads(pickle.dumps(session))
    copied.__dict__["timeout"] = 4
    assert (sent(derived).fields.get("x-a"), sent(derived).options.timeout.read) == ("b", 3)
    assert sent(copied).options.timeout.read == 4
    assert sent(session).fields.get("x-a") is None


@pytest.mark.parametrize("url", ["", None, "host.test"])
def test_a_bad_url_is_told_of_as_ever(url: Any) -> None:
    session = Session()
    sent(session)
    with pytest.raises(MissingSchema):
        session.get(url)
