"""What `verify=`, `cert=`, `TLS(...)` and the environment mean, before anything is opened."""

import copy
import pickle
import ssl
from pathlib import Path
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from smartclient import TLS
from smartclient._api.tls import tls_from
from smartclient._model.options import DEFAULT_TLS
from smartclient._net.tls import context_for
from smartclient.exceptions import InvalidOption, SSLError

PEM = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


def options_of(session: Any, url: str = "https://a.test/", **given: Any) -> Any:
    """What a call would be made with."""
    names = ["params", "data", "headers", "cookies", "files", "auth", "timeout", "allow_redirects", "stream"]
    names += ["verify", "cert", "json", "retries", "cache", "rare"]
    defaults = dict.fromkeys(names, None) | {"allow_redirects": True, "cache": True, "timeout": 5, "rare": {}}
    return session._request("GET", url, *(defaults | given).values()).options


@pytest.mark.parametrize(
    ("verify", "cert", "tls"),
    [
        pytest.param(None, None, TLS(), id="nothing"),
        pytest.param(True, None, TLS(), id="True"),
        pytest.param(False, None, TLS(verify=False), id="False"),
        pytest.param(__file__, None, TLS(ca=__file__), id="path"),
        pytest.param(Path(__file__), None, TLS(ca=__file__), id="path object"),
        pytest.param(__file__.encode(), None, TLS(ca=__file__), id="path in bytes"),
        pytest.param(None, "c.pem", TLS(cert="c.pem"), id="cert"),
        pytest.param(None, ("c.pem", Path("k.pem")), TLS(cert=("c.pem", "k.pem")), id="cert and key"),
        pytest.param(None, PEM, TLS(cert=PEM.encode()), id="PEM"),
        pytest.param(None, (PEM, PEM.encode()), TLS(cert=(PEM + "\n" + PEM).encode()), id="pair of PEM"),
        pytest.param(TLS(min_version="1.3"), "c.pem", TLS(min_version="1.3", cert="c.pem"), id="TLS and cert"),
        pytest.param(TLS(cert="own.pem"), "c.pem", TLS(cert="own.pem"), id="TLS with its own cert"),
    ],
)
def test_meaning(verify: Any, cert: Any, tls: TLS) -> None:
    assert tls_from(verify, cert) == tls


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: tls_from(7, None), id="a number"),
        pytest.param(lambda: tls_from("", None), id="empty"),
        pytest.param(lambda: tls_from(None, ("a", "b", "c")), id="three files"),
        pytest.param(lambda: tls_from(None, ("c.pem", PEM)), id="path and PEM"),
        pytest.param(lambda: tls_from(None, 7), id="cert is a number"),
        pytest.param(lambda: tls_from(ssl.create_default_context(), "c.pem"), id="SSLContext and cert"),
        pytest.param(lambda: TLS(verify="ca.pem"), id="TLS: path as verify"),  # type: ignore[arg-type]
        pytest.param(lambda: TLS(trust="browser"), id="TLS: unknown trust"),
        pytest.param(lambda: TLS(min_version="1.1"), id="TLS: old version"),
        pytest.param(lambda: TLS(ca=7), id="TLS: ca is a number"),
    ],
)
def test_what_makes_no_sense(make: Any) -> None:
    with pytest.raises(InvalidOption):
        make()


@pytest.mark.parametrize("cert", [PEM, (PEM, PEM)], ids=["PEM", "pair"])
def test_keys_are_not_shown(cert: Any) -> None:
    tls = TLS(cert=cert)
    assert "c2VjcmV0" not in repr(tls)
    assert "c2VjcmV0" not in repr(options_of(smartclient.Session(verify=tls)))


def test_copies_are_equal() -> None:
    tls = TLS(ca="ca.pem", cert=("c", "k"), trust="system", min_version="1.3", keylog="log")
    assert pickle.loads(pickle.dumps(tls)) == copy.copy(tls) == tls
    assert len({tls, TLS(True, "ca.pem", ("c", "k"), "system", "1.3", "log")}) == 1


def test_contexts_are_told_apart_and_used_as_they_are() -> None:
    first, second = ssl.create_default_context(), ssl.create_default_context()
    assert tls_from(first, None) == tls_from(first, None) != tls_from(second, None)
    assert context_for(tls_from(first, None)) is first
    first.check_hostname = False
    assert not tls_from(first, None).verify


def test_contexts_are_shared_and_few(authority: Authority) -> None:
    tls = TLS(ca=str(authority.ca_file))
    assert context_for(tls) is context_for(TLS(ca=str(authority.ca_file)))
    for number in range(70):
        context_for(TLS(verify=False, ca=str(number)))
    assert context_for(tls) is context_for(tls)


@pytest.mark.parametrize(
    ("tls", "lowest"),
    [(TLS(), ssl.TLSVersion.TLSv1_2), (TLS(min_version="1.3"), ssl.TLSVersion.TLSv1_3)],
)
def test_new_contexts(tls: TLS, lowest: ssl.TLSVersion) -> None:
    context = context_for(tls)
    assert context.minimum_version == lowest
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert not context.hostname_checks_common_name
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context._host_flags & 4  # type: ignore[attr-defined]  # X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS


def test_trust_of_the_system(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))  # which is for the caller to read, not for OpenSSL
    paths = ssl.get_default_verify_paths()
    own = paths._replace(openssl_cafile=str(authority.ca_file), openssl_capath="/nowhere")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: own)
    assert len(context_for(TLS(trust="system", min_version="1.3", keylog=None)).get_ca_certs()) == 1
    nothing = paths._replace(openssl_cafile="/nowhere", openssl_capath="/nowhere")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    with pytest.raises(SSLError, match="no trusted issuers"):
        context_for(TLS(trust="system", cert="other.pem"))


@pytest.mark.parametrize(
    ("tls", "kind", "text"),
    [
        pytest.param(TLS(ca="/nowhere"), InvalidOption, "CA certificate bundle", id="no such CA file"),
        pytest.param(TLS(ca=__file__), SSLError, "CA file", id="no CA file"),
        pytest.param(TLS(cert="/nowhere"), InvalidOption, "certificate file", id="no such certificate"),
        pytest.param(TLS(cert=(__file__, "/nowhere")), InvalidOption, "key file", id="no such key"),
        pytest.param(TLS(cert=PEM), SSLError, "given as PEM cannot be used", id="not a key"),
        pytest.param(TLS(keylog="/nowhere/log"), InvalidOption, "secrets", id="key log that cannot be written"),
    ],
)
def test_files_that_are_wrong(tls: TLS, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        context_for(tls)
    assert "c2VjcmV0" not in str(caught.value)


def test_encrypted_key_is_refused_without_asking(authority: Authority, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as form

    chain, key = authority.files("encrypted", "client.test")
    loaded = form.load_pem_private_key(key.read_bytes(), None)
    locked = form.BestAvailableEncryption(b"password")
    pem = loaded.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)
    (tmp_path / "key.pem").write_bytes(pem)
    for cert in ((chain, tmp_path / "key.pem"), (chain.read_text(), pem)):
        with pytest.raises(SSLError, match="encrypted"):
            context_for(TLS(cert=cert))


def test_pem_leaves_no_file(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    chain, key = authority.files("in_memory", "client.test")
    context_for(TLS(cert=(chain.read_bytes(), key.read_text())))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", range(4))
def test_first_variable_that_is_set_counts(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES[number:4]:
        monkeypatch.setenv(name, f"/{name}")
    if number:
        monkeypatch.setenv(VARIABLES[0], "")
    session = smartclient.Session()
    assert options_of(session).tls == TLS(ca=f"/{VARIABLES[number]}")
    assert options_of(session, "http://a.test/").tls == options_of(session).tls  # a redirect may lead to https


def test_variables_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    session = smartclient.Session()
    assert options_of(session).tls is DEFAULT_TLS
    monkeypatch.setenv("SSL_CERT_FILE", "/first")
    assert options_of(session).tls.ca == "/first"
    monkeypatch.setenv("SSL_CERT_FILE", "/second")
    assert options_of(session).tls.ca == "/second"
    monkeypatch.delenv("SSL_CERT_FILE")
    assert options_of(session).tls is DEFAULT_TLS


@pytest.mark.parametrize("explicit", [True, False, __file__, TLS(), TLS(trust="system")], ids=repr)
def test_what_is_given_beats_the_environment(explicit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/environment")
    expected = tls_from(explicit, None)
    with pytest.warns(smartclient.exceptions.InsecureRequestWarning) if explicit is False else _quiet():
        assert options_of(smartclient.Session(verify=explicit)).tls == expected
        assert options_of(smartclient.Session(), verify=explicit).tls == expected


class _quiet:
    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None: ...


def test_environment_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "/environment")
    assert options_of(smartclient.Session(trust_env=False)).tls is DEFAULT_TLS


def test_key_log_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/log")
    assert options_of(smartclient.Session()).tls == TLS(keylog="/log")
    assert options_of(smartclient.Session(verify=TLS(keylog="/own"))).tls.keylog == "/own"
    assert options_of(smartclient.Session(), cert="c.pem").tls == TLS(keylog="/log", cert="c.pem")
    context = ssl.create_default_context()
    assert options_of(smartclient.Session(verify=context)).tls.keylog is None


def test_verify_reads_as_in_requests() -> None:
    session = smartclient.Session()
    assert session.verify is True
    session.verify = False
    assert session.verify is False
