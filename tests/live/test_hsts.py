"""HSTS with servers: learnt over verified TLS, kept in a file, shared by derived sessions; in all modes."""

import json
import logging
import pickle
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from smartclient import Session
from smartclient._model.headers import Fields
from smartclient._model.url import URL
from smartclient.exceptions import ConnectionError, InvalidOption

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS")


def says(*lines: str) -> Any:
    return lambda seen: Page(b"ok", headers=tuple(("Strict-Transport-Security", line) for line in lines))


@pytest.fixture
def urls(tls_origin: Origin) -> tuple[str, str]:
    """The page of a named host by https and by http: the same port, so that only TLS gets an answer."""
    tls_origin.route("/page", says("max-age=600"))
    secure = f"https://localhost:{tls_origin.port}/page"
    return secure, secure.replace("https:", "http:")


def test_http_becomes_https_before_connecting(client: Client, urls: tuple[str, str], authority: Authority) -> None:
    secure, plain = urls
    session = client.session(verify=str(authority.ca_file))
    session.get(secure)
    response = session.get(plain)
    assert (response.status_code, response.url) == (200, secure)
    assert session.get(plain).url == secure
    away = client.session(verify=str(authority.ca_file), retries=0)
    with pytest.raises(ConnectionError):
        away.get(plain)


def test_on_the_long_way(urls: tuple[str, str], authority: Authority) -> None:
    secure, plain = urls
    session = Session(verify=str(authority.ca_file))
    session.hooks["response"] = [lambda response, **kwargs: None]
    session.get(secure)
    assert session.get(plain).url == secure
    session.close()


def test_not_learnt_from_whom_nobody_checked(client: Client, urls: tuple[str, str]) -> None:
    secure, plain = urls
    session = client.session(verify=False, retries=0)
    session.get(secure)
    with pytest.raises(ConnectionError):
        session.get(plain)


def test_not_learnt_over_http(client: Client, origin: Origin) -> None:
    url = origin.route("/page", says("max-age=600")).replace("127.0.0.1", "localhost")
    assert [client.get(url).status_code for _ in range(2)] == [200, 200]


def test_max_age_0_forgets(client: Client, urls: tuple[str, str], tls_origin: Origin, authority: Authority) -> None:
    secure, plain = urls
    session = client.session(verify=str(authority.ca_file), retries=0)
    session.get(secure)
    tls_origin.route("/page", says("max-age=0"))
    session.get(plain)
    with pytest.raises(ConnectionError):
        session.get(plain)


def test_turned_off(client: Client, urls: tuple[str, str], authority: Authority) -> None:
    secure, plain = urls
    session = client.session(verify=str(authority.ca_file), retries=0, hsts=None)
    session.get(secure)
    assert session.hsts is None
    with pytest.raises(ConnectionError):
        session.get(plain)


def test_a_file_keeps_it(client: Client, urls: tuple[str, str], authority: Authority, tmp_path: Path) -> None:
    secure, plain = urls
    path = tmp_path / "hsts.json"
    client.session(verify=str(authority.ca_file), hsts=path).get(secure)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(json.loads(path.read_text())["hosts"]) == ["localhost"]
    assert client.session(verify=str(authority.ca_file), hsts=str(path)).get(plain).status_code == 200


def test_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hsts"
    lists = [Session(hsts=path).hsts for _ in range(2)]
    for number, hosts in enumerate(lists):
        fields = Fields([("Strict-Transport-Security", "max-age=600")])
        hosts.learn(URL.parse(f"https://h{number}.example/"), fields, time.time())
    assert sorted(json.loads(path.read_text())["hosts"]) == ["h0.example", "h1.example"]
    path.write_text(path.read_text().replace('"h1.example": [', '"h1.example": [1.0, false], "h2.example": ['))
    lists[0].learn(URL.parse("https://h0.example/"), Fields([("Strict-Transport-Security", "max-age=0")]), time.time())
    assert list(json.loads(path.read_text())["hosts"]) == ["h2.example"]


def test_cookies_and_redirects_after_the_upgrade(
    client: Client, urls: tuple[str, str], tls_origin: Origin, authority: Authority
) -> None:
    """The address that answered is what Secure, relative targets and origins are seen from."""
    secure, plain = urls

    def page(seen: Seen) -> Page:
        return Page(status=302, headers=(("Location", "/echo"), ("Set-Cookie", "a=b; Secure; Path=/")))

    session = client.session(verify=str(authority.ca_file))
    session.get(secure)
    tls_origin.route("/page", page)
    response = session.get(plain, auth=("user", "pass"))
    sent = dict(response.json()["headers"])
    assert (sent["Cookie"], "Authorization" in sent) == ("a=b", True)


@pytest.mark.parametrize("text", ["", "{}", '{"hosts": 5}', '{"hosts": {"a": 5}}', "[" * 100_000])
def test_broken_file_is_logged(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "hsts"
    path.write_text(text)
    with caplog.at_level(logging.WARNING, "smartclient"):
        assert len(Session(hsts=path).hsts or ()) == 0
    assert "cannot be read" in caplog.text


def test_a_file_that_cannot_be_written_costs_no_call(
    client: Client, urls: tuple[str, str], authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = client.session(verify=str(authority.ca_file), hsts=tmp_path / "none" / "hsts")
    with caplog.at_level(logging.WARNING, "smartclient"):
        assert session.get(urls[0]).status_code == 200
    assert "cannot be written" in caplog.text


def test_the_option(tmp_path: Path) -> None:
    session = Session()
    assert len(session.hsts or ()) == 0
    assert Session(hsts=session.hsts).hsts is session.hsts
    assert session.derive(hsts=None).hsts is None
    assert session.derive().hsts is session.hsts
    assert pickle.loads(pickle.dumps(Session(hsts=tmp_path / "x"))).hsts.path == str(tmp_path / "x")
    for value in (5, "", [], 1.0):
        with pytest.raises(InvalidOption, match="hsts"):
            Session(hsts=value)
