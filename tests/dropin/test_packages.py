"""Packages written for requests, with a session of ours, each against a live server; skipped where not installed."""

import io
import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from unittest import mock

import pytest

import smartclient
from loopback.origin import Page
from smartclient import Session, exceptions

pytestmark = pytest.mark.filterwarnings("ignore")  # what these packages warn of is their own business


@pytest.fixture
def session():
    with Session() as session:
        yield session


def test_requests_toolbelt(session, origin):
    toolbelt = pytest.importorskip("requests_toolbelt")
    progress = []
    fields = {"a": "1", "f": ("n.bin", io.BytesIO(b"x" * 300_000), "application/x-n")}
    monitor = toolbelt.MultipartEncoderMonitor(
        toolbelt.MultipartEncoder(fields), lambda monitor: progress.append(monitor.bytes_read)
    )
    session.post(f"{origin.url}/echo", data=monitor, headers={"Content-Type": monitor.content_type})
    (seen,) = origin.seen.requests
    assert seen.header("content-length") == str(len(seen.body)) == str(monitor.len)
    assert seen.body.count(b"x") > 300_000
    assert len(progress) > 2
    assert progress[-1] == monitor.len


@pytest.mark.parametrize("place", ["AUTH_HEADER", "BODY", "QUERY"])
def test_requests_oauthlib(session, origin, place):
    oauth = pytest.importorskip("requests_oauthlib")
    auth = oauth.OAuth1("key", "secret", "token", "token secret", signature_type=place)
    session.post(f"{origin.url}/echo?x=1", data={"a": "b"}, auth=auth)
    (seen,) = origin.seen.requests
    signed = {"AUTH_HEADER": seen.header("authorization") or "", "BODY": seen.body.decode(), "QUERY": seen.target}
    assert "oauth_signature=" in signed[place]
    assert seen.body.startswith(b"a=b")
    assert seen.header("content-length") == str(len(seen.body))


def test_responses():
    responses = pytest.importorskip("responses")
    url = "http://mocked.example"
    with responses.RequestsMock(target="smartclient.adapters.HTTPAdapter.send") as mocked:
        mocked.add(responses.GET, f"{url}/a", json={"a": 1}, status=203, headers={"Set-Cookie": "k=v"})
        mocked.add(responses.GET, f"{url}/r", status=302, headers={"Location": f"{url}/a"})
        mocked.add(responses.POST, f"{url}/e", body=exceptions.ReadTimeout("late"))
        with Session() as session:
            response = session.get(f"{url}/r", params={"p": "q"})
            assert (response.status_code, response.json(), len(response.history)) == (203, {"a": 1}, 1)
            assert session.cookies["k"] == "v"
        with pytest.raises(smartclient.ReadTimeout, match="late"):
            smartclient.post(f"{url}/e", json={})
        with pytest.raises(smartclient.ConnectionError, match="Connection refused by Responses"):
            smartclient.get(f"{url}/unknown")
        assert [call.request.method for call in mocked.calls] == ["GET", "GET", "POST", "GET"]


def test_requests_mock(session):
    requests_mock = pytest.importorskip("requests_mock")
    adapter = requests_mock.Adapter()
    adapter.register_uri("GET", "mock://somewhere/path", text="data")
    adapter.register_uri("POST", "http://mocked.example/path", json={"b": 2}, cookies={"c": "d"}, status_code=201)
    adapter.register_uri("GET", "http://mocked.example/late", exc=exceptions.ConnectTimeout)
    session.mount("mock://", adapter)
    session.mount("http://mocked.example", adapter)
    assert session.get("mock://somewhere/path").text == "data"
    response = session.post("http://mocked.example/path", json={"a": 1})
    assert (response.status_code, response.json()) == (201, {"b": 2})
    assert session.cookies["c"] == "d"
    assert adapter.last_request.json() == {"a": 1}
    with pytest.raises(smartclient.ConnectTimeout):
        session.get("http://mocked.example/late")


def test_requests_file(session, tmp_path):
    adapters = pytest.importorskip("requests_file")
    (tmp_path / "a.txt").write_text("content")
    session.mount("file://", adapters.FileAdapter())
    response = session.get((tmp_path / "a.txt").as_uri())
    assert (response.status_code, response.text, response.headers["Content-Length"]) == (200, "content", "7")
    assert session.get((tmp_path / "none").as_uri()).status_code == 404


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format, *args):
        """Says nothing."""


@pytest.mark.skipif(not hasattr(socketserver, "ThreadingUnixStreamServer"), reason="Python 3.12 has this server")
def test_requests_unixsocket(session, tmp_path):
    adapters = pytest.importorskip("requests_unixsocket.adapters")
    path = os.path.relpath(tmp_path / "s")  # names of sockets have at most 108 bytes
    server = socketserver.ThreadingUnixStreamServer(path, _Hello)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        session.mount("http+unix://", adapters.UnixAdapter())
        assert session.get(f"http+unix://{path.replace('/', '%2F')}/info").text == "hello"
    finally:
        server.shutdown()
        server.server_close()


def test_cachecontrol(session, origin):
    cachecontrol = pytest.importorskip("cachecontrol")
    session.mount("http://", cachecontrol.CacheControlAdapter())
    responses = [session.get(f"{origin.url}/page/tea") for _ in range(2)]
    assert [each.text for each in responses] == ["page tea, hit 1\n"] * 2
    assert [each.from_cache for each in responses] == [False, True]
    assert [each.cache for each in responses] == [None, None]  # ours stays out of it


def test_adapter_of_requests(session, origin):
    requests = pytest.importorskip("requests")
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=1))
    assert session.post(f"{origin.url}/redirect/1", json={"a": 1}).json()["method"] == "GET"
    assert session.get(f"{origin.url}/gzip").text.startswith("a gzip page\n")
    with session.get(f"{origin.url}/bytes/100", stream=True) as response:
        assert len(response.raw.read()) == 100
    assert session.get(f"{origin.url}/cookies/set?a=1").cookies["a"] == "1"
    assert session.get(f"{origin.url}/cookies").json() == {"a": "1"}
    with pytest.raises(smartclient.ConnectionError) as caught:
        session.get("http://127.0.0.1:1/")
    assert isinstance(caught.value.__cause__, requests.ConnectionError)


def test_our_adapter_in_a_session_of_requests(origin):
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        session.mount("http://", smartclient.adapters.HTTPAdapter())
        assert session.get(f"{origin.url}/gzip").text.startswith("a gzip page\n")
        assert len(session.get(f"{origin.url}/redirect/2").history) == 2
        assert session.post(f"{origin.url}/echo", json={"a": 1}).json()["method"] == "POST"
        assert session.get(f"{origin.url}/cookies/set?a=1").ok
        assert session.get(f"{origin.url}/cookies").json() == {"a": "1"}


def test_google_auth(session, origin):
    transport = pytest.importorskip("google.auth.transport.requests")
    request = transport.Request(session=session)
    response = request(f"{origin.url}/echo", method="POST", body=b"x", headers={"X-A": "b"}, timeout=5)
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert b'"X-A", "b"' in response.data


def test_prawcore(session, origin):
    prawcore = pytest.importorskip("prawcore")
    token = {"access_token": "t", "expires_in": 3600, "scope": "*"}
    origin.route("/api/v1/access_token", lambda seen: Page.of_json(token))
    origin.route("/me", lambda seen: Page.of_json({"auth": seen.header("authorization")}))
    requestor = prawcore.Requestor(
        user_agent="a test of smartclient", oauth_url=origin.url, reddit_url=origin.url, session=session
    )
    authenticator = prawcore.TrustedAuthenticator(requestor=requestor, client_id="id", client_secret="secret")
    authorizer = prawcore.ReadOnlyAuthorizer(authenticator=authenticator)
    authorizer.refresh()
    with prawcore.Session(authorizer=authorizer) as reddit:
        assert reddit.request(method="GET", path="/me") == {"auth": "bearer t"}


def test_stripe(session, origin):
    stripe = pytest.importorskip("stripe")
    origin.route("/v1/customers/c", lambda seen: Page.of_json({"id": "c", "object": "customer", "name": "somebody"}))
    client = stripe.StripeClient(
        "sk_test", http_client=stripe.RequestsClient(session=session), base_addresses={"api": origin.url}
    )
    assert client.v1.customers.retrieve("c").name == "somebody"
    assert origin.seen.requests[0].header("authorization") == "Bearer sk_test"


WSDL = """<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:t="urn:t" xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">
<types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
  <x:element name="Ask"><x:complexType><x:sequence><x:element name="q" type="x:string"/></x:sequence></x:complexType>
  </x:element>
  <x:element name="Told"><x:complexType><x:sequence><x:element name="a" type="x:string"/></x:sequence></x:complexType>
  </x:element></x:schema></types>
<message name="In"><part name="p" element="t:Ask"/></message>
<message name="Out"><part name="p" element="t:Told"/></message>
<portType name="P"><operation name="ask"><input message="t:In"/><output message="t:Out"/></operation></portType>
<binding name="B" type="t:P"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
  <operation name="ask"><soap:operation soapAction="urn:ask"/>
    <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation></binding>
<service name="S"><port name="p" binding="t:B"><soap:address location="{url}/soap"/></port></service>
</definitions>"""
TOLD = b"""<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
<Told xmlns="urn:t"><a>42</a></Told></e:Body></e:Envelope>"""


def test_zeep(session, origin):
    zeep = pytest.importorskip("zeep")
    xml = (("Content-Type", "text/xml"),)
    origin.route("/wsdl", lambda seen: Page(WSDL.format(url=origin.url).encode(), headers=xml))
    origin.route("/soap", lambda seen: Page(TOLD, headers=xml))
    client = zeep.Client(f"{origin.url}/wsdl", transport=zeep.Transport(session=session))
    assert client.service.ask(q="life") == "42"
    assert b"life" in origin.seen.requests[-1].body


def test_functions_of_requests_are_no_business_of_ours(origin):
    requests = pytest.importorskip("requests")
    with mock.patch.object(requests.Session, "send", side_effect=AssertionError):
        assert smartclient.get(f"{origin.url}/bytes/1").ok
    smartclient.api._session().close()
