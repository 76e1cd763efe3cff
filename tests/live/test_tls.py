"""TLS against real servers: what is refused and in which words, what is accepted, and what responses tell of it."""

import os
import ssl
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.crafted import LAST_WEEK, NEXT_WEEK, TOMORROW, YESTERDAY
from loopback.origin import Origin
from loopback.scripted import ScriptedServer
from loopback.ways import WAYS, new_session, open_sockets, run, settled, sockets_become, tick
from smartclient import TLS
from smartclient.exceptions import InsecureRequestWarning, SSLError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Scripted = Callable[..., ScriptedServer]
Context = Callable[[Authority], ssl.SSLContext]


def old_protocol(authority: Authority) -> ssl.SSLContext:
    context = authority.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def stranger(authority: Authority) -> ssl.SSLContext:
    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA(organization_name="Strangers \x1b[2J").issue_cert("127.0.0.1").configure_cert(context)
    return context


BAD: dict[str, tuple[Context, str, str]] = {
    "expired": (
        lambda authority: authority.crafted.context(begin=LAST_WEEK, end=YESTERDAY),
        "expired",
        f"certificate of 127.0.0.1 expired on {YESTERDAY:%Y-%m-%d %H:%M} UTC",
    ),
    "not yet valid": (
        lambda authority: authority.crafted.context(begin=TOMORROW, end=NEXT_WEEK),
        "not yet valid",
        f"certificate of 127.0.0.1 is not yet valid: it begins on {TOMORROW:%Y-%m-%d %H:%M} UTC",
    ),
    "wrong name": (
        lambda authority: authority.server_context("a.test", "b.test", "192.0.2.1"),
        "name",
        "certificate of 127.0.0.1 has another name: it is for a.test, b.test, 192.0.2.1",
    ),
    "CN only": (
        lambda authority: authority.crafted.context((), common_name="127.0.0.1"),
        "name",
        "certificate of 127.0.0.1 has no name that counts: only the common name (CN) 127.0.0.1",
    ),
    "self-signed": (
        lambda authority: authority.crafted.context(self_signed=True, common_name="me"),
        "self-signed",
        "certificate of 127.0.0.1 is self-signed, by me, and not among the trusted ones",
    ),
    "unknown issuer": (
        stranger,
        "issuer",
        "certificate of 127.0.0.1 has an issuer that is not trusted: Strangers \\x1b[2J",
    ),
    "old protocol": (
        old_protocol,
        "protocol",
        "TLS handshake with 127.0.0.1 failed: it speaks no version of TLS that is accepted",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refusal_names_its_check(client: Client, scripted: Scripted, authority: Authority, case: str) -> None:
    context, check, text = BAD[case]
    server = scripted([OK], context=context(authority))
    session = client.session(verify=str(authority.ca_file))
    with pytest.raises(SSLError) as caught:
        session.post(server.url, data=b"secret", timeout=10)
    assert text in str(caught.value)
    assert (caught.value.check, caught.value.sent) == (check, "nothing")
    server.close()
    assert [connection.received for connection in server.connections] == [b""] * len(server.connections)
    assert session._pool._state.active == 0


@pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")
@pytest.mark.parametrize("way", WAYS)
def test_refusal_leaves_no_socket(way: str, scripted: Scripted, authority: Authority) -> None:
    server = scripted([OK], context=authority.server_context("a.test"))

    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, verify=str(authority.ca_file))
        with pytest.raises(SSLError, match=r"it is for a\.test"):
            await settled(session.get(server.url))
        await settled(session.close())
        for _ in range(10):  # a loop closes what was aborted when it comes to it
            await tick(way)
        assert server.connection(1).over.wait(20)  # the second look
        await sockets_become(way, before)

    run(way, scenario)


def test_refusal_without_a_second_look(client: Client, scripted: Scripted, authority: Authority) -> None:
    """The server does not want to be asked again: what OpenSSL says must do."""
    asked: list[str] = []

    def once(_: Any, name: str, __: Any) -> int | None:
        asked.append(name)
        return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR if len(asked) > 1 else None

    context = authority.server_context("a.test")
    context.sni_callback = once
    server = scripted([OK], context=context)
    session = client.session(resolve={"b.test": "127.0.0.1"}, verify=str(authority.ca_file))
    with pytest.raises(SSLError, match=r"certificate of b\.test refused: Hostname mismatch") as caught:
        session.get(f"https://b.test:{server.port}", timeout=10)
    assert (caught.value.check, asked) == ("name", ["b.test", "b.test"])


def test_plain_server_is_told_as_such(client: Client, origin: Origin) -> None:
    with pytest.raises(SSLError, match="what it answers is no TLS"):
        client.get(origin.url.replace("http", "https"), timeout=10)


@pytest.mark.parametrize(
    ("names", "host", "good"),
    [
        pytest.param(["a.test"], "a.test", True, id="the name"),
        pytest.param(["a.test"], "a.test.", True, id="with the root's dot"),
        pytest.param(["*.a.test"], "www.a.test", True, id="wildcard"),
        pytest.param(["*.a.test"], "a.test", False, id="wildcard for nothing"),
        pytest.param(["*.a.test"], "b.www.a.test", False, id="wildcard for two labels"),
        pytest.param(["w*.a.test"], "www.a.test", False, id="part of a label"),
        pytest.param(["www.*.test"], "www.a.test", False, id="not the left-most"),
        pytest.param(["127.0.0.1"], "127.0.0.1", True, id="address"),
        pytest.param(["127.0.0.2"], "127.0.0.1", False, id="another address"),
    ],
)
def test_names(scripted: Scripted, authority: Authority, names: list[str], host: str, good: bool) -> None:
    server = scripted([OK], context=authority.crafted.context(names))
    with smartclient.Session(resolve={host: "127.0.0.1"}, verify=str(authority.ca_file)) as session:
        if good:
            assert session.get(f"https://{host}:{server.port}").content == b"ok"
        else:
            with pytest.raises(SSLError) as caught:
                session.get(f"https://{host}:{server.port}")
            assert caught.value.check == "name"


def test_options(client: Client, tls_origin: Origin, authority: Authority) -> None:
    session = client.session(verify=TLS(ca=str(authority.ca_file), min_version="1.3"))
    assert session.get(tls_origin.url + "/bytes/3").tls.version == "TLSv1.3"


def test_context_of_the_caller(client: Client, tls_origin: Origin, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    session = client.session(verify=context)
    for _ in range(2):
        response = session.get(tls_origin.url + "/bytes/3")
    assert (response.content, response.tls.alpn, response.tls.verified) == (b"012", None, True)
    assert tls_origin.seen.connections == 1
    other = ssl.create_default_context()
    with pytest.raises(SSLError):
        session.get(tls_origin.url + "/bytes/3", verify=other)


def test_context_that_asks_for_more_than_is_spoken(client: Client, scripted: Scripted, authority: Authority) -> None:
    offered = authority.server_context()
    offered.set_alpn_protocols(["h2", "http/1.1"])
    server = scripted([OK], context=offered)
    assert client.get(server.url, verify=str(authority.ca_file)).tls.alpn == "http/1.1"
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with pytest.raises(SSLError, match="choose h2"):
        client.get(server.url, verify=context)


def test_environment(
    client: Client, tls_origin: Origin, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = tls_origin.url + "/bytes/3"
    monkeypatch.setenv("CURL_CA_BUNDLE", str(authority.ca_file))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert client.get(url).content == b"012"
    assert "CLIENT_TRAFFIC_SECRET_0 " in (tmp_path / "keys").read_text()
    with pytest.raises(SSLError):
        client.get(url, verify=True)
    with pytest.raises(SSLError):
        client.session(trust_env=False).get(url)


def test_environment_counts_after_a_redirect(
    client: Client, origin: Origin, tls_origin: Origin, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    assert client.get(origin.url + "/to", params={"url": tls_origin.url + "/bytes/3"}).content == b"012"


def test_folder_of_issuers(client: Client, tls_origin: Origin, authority: Authority, tmp_path: Path) -> None:
    # A folder is searched by hashes of names; without any nobody is trusted.
    with pytest.raises(SSLError) as caught:
        client.get(tls_origin.url, verify=str(tmp_path))
    assert caught.value.check == "issuer"
    both = f"{tmp_path}{os.pathsep}{authority.folder}"
    with pytest.raises(SSLError) as caught:
        client.get(tls_origin.url, verify=TLS(ca=both))
    assert caught.value.check == "issuer"


def as_pair(chain: Path, key: Path) -> Any:
    return (str(chain), str(key))


def as_pem(chain: Path, key: Path) -> Any:
    return chain.read_text() + key.read_text()


def as_pem_pair(chain: Path, key: Path) -> Any:
    return (chain.read_bytes(), key.read_bytes())


def as_one_file(chain: Path, key: Path) -> Any:
    both = chain.with_suffix(".both")
    both.write_text(as_pem(chain, key))
    return both


@pytest.mark.parametrize("form", [as_pair, as_pem, as_pem_pair, as_one_file])
def test_client_certificate(client: Client, scripted: Scripted, authority: Authority, form: Any) -> None:
    server = scripted([OK], context=authority.server_context(ask_client=True))
    cert = form(*authority.files("client", "client.test"))
    assert client.get(server.url, verify=str(authority.ca_file), cert=cert).content == b"ok"


def test_connections_never_serve_other_settings(client: Client, tls_origin: Origin, authority: Authority) -> None:
    url, session = tls_origin.url + "/page/tea", client.session()
    ca = str(authority.ca_file)
    with pytest.warns(InsecureRequestWarning):
        unchecked = session.get(url, verify=False)
    assert unchecked.content == b"page tea, hit 1\n"
    with pytest.raises(SSLError):
        session.get(url)
    bodies = [session.get(url, verify=each).content for each in (ca, TLS(ca=ca, min_version="1.3"), ca)]
    assert bodies == [b"page tea, hit 2\n", b"page tea, hit 3\n", b"page tea, hit 2\n"]  # nor do stored answers


def test_what_a_response_tells(client: Client, tls_origin: Origin, origin: Origin, authority: Authority) -> None:
    session = client.session(verify=str(authority.ca_file))
    response = session.get(tls_origin.url + "/page/tea")
    session.close()  # which must not matter
    tls = response.tls
    assert response.address == ("127.0.0.1", tls_origin.port)
    assert (tls.version, tls.alpn, tls.verified) == ("TLSv1.3", None, True)
    assert tls.cipher.startswith("TLS_")
    assert tls.certificate.names == ("localhost", "127.0.0.1", "::1")
    assert tls.certificate.not_before < tls.certificate.not_after
    plain = client.get(origin.url + "/page/tea")
    assert (plain.tls, plain.address) == (None, ("127.0.0.1", origin.port))
    kept = client.get(origin.url + "/page/tea")
    assert (kept.tls, kept.address) == (None, None)


def test_unchecked_certificates_are_told_too(client: Client, tls_origin: Origin) -> None:
    with pytest.warns(InsecureRequestWarning):
        tls = client.get(tls_origin.url + "/bytes/3", verify=False).tls
    assert not tls.verified
    assert tls.certificate.names == ("localhost", "127.0.0.1", "::1")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has its own store")
def test_trust_of_the_system(
    client: Client, tls_origin: Origin, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ssl.get_default_verify_paths()._replace(openssl_cafile=str(authority.ca_file))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    system = TLS(trust="system", keylog=str(authority.folder / f"keys-{client.mode}"))  # a context of its own
    assert client.get(tls_origin.url + "/bytes/3", verify=system).content == b"012"
