"""smartclient as the `requests` of a whole program, and its errors as requests' own: each in a process of its own."""

import subprocess
import sys

import pytest


def run(program: str) -> str:
    """What `program` prints in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_requests_gives_smartclient():
    printed = run(
        """
import smartclient
smartclient.install_as_requests()
smartclient.install_as_requests()
import requests, requests.adapters, requests.utils
from requests import Session, Timeout, codes
from requests.auth import HTTPBasicAuth
from requests.compat import urlparse
from requests.exceptions import ConnectionError
from requests.packages.urllib3.util.retry import Retry
from requests.structures import CaseInsensitiveDict
from requests.__version__ import __version__
assert requests.Session is smartclient.Session
assert requests.adapters is smartclient.adapters
assert issubclass(requests.ConnectTimeout, (Timeout, ConnectionError))
assert requests.__version__ == __version__
assert codes.ok == 200
try:
    requests.no_such_name
except AttributeError:
    print(requests.__version__)
"""
    )
    assert printed.startswith("2.32.")


def test_it_refuses_when_requests_is_loaded():
    pytest.importorskip("requests")
    printed = run(
        """
import requests, smartclient
theirs = requests
try:
    smartclient.install_as_requests()
except RuntimeError as error:
    print(error)
smartclient.install_as_requests(force=True)
import requests
assert requests is not theirs
assert requests.Session is smartclient.Session
"""
    )
    assert "requests is imported already" in printed


@pytest.mark.parametrize(
    "package",
    [
        *("cachecontrol", "google.auth.transport.requests", "prawcore", "requests_file", "requests_mock"),
        *("requests_oauthlib", "requests_toolbelt", "requests_unixsocket", "responses", "stripe", "zeep"),
    ],
)
def test_packages_load_over_it(package):
    pytest.importorskip(package)
    run(f"import smartclient; smartclient.install_as_requests(); import {package}")


def test_classes_of_packages_are_ours():
    pytest.importorskip("requests_oauthlib")
    pytest.importorskip("requests_mock")
    run(
        """
import smartclient
smartclient.install_as_requests()
import requests, requests_mock
from requests_oauthlib import OAuth2Session
assert issubclass(OAuth2Session, smartclient.Session)
with requests_mock.Mocker() as mocked:
    mocked.get("http://mocked.example/a", text="mocked")
    assert requests.get("http://mocked.example/a").text == "mocked"
    with OAuth2Session("id", token={"access_token": "t", "token_type": "Bearer"}) as session:
        mocked.get("https://mocked.example/a", text="signed")
        assert session.get("https://mocked.example/a").text == "signed"
    assert mocked.last_request.headers["Authorization"] == "Bearer t"
"""
    )


def test_sessions_of_packages(origin):
    pytest.importorskip("requests_cache")
    pytest.importorskip("requests_toolbelt")
    run(
        f"""
import smartclient
smartclient.install_as_requests()
from requests_cache import CachedSession
from requests_toolbelt.sessions import BaseUrlSession
with CachedSession(backend="memory") as session:
    assert [session.get("{origin.url}/bytes/3").from_cache for _ in range(2)] == [False, True]
    assert session.get("{origin.url}/bytes/3").content == b"012"
with BaseUrlSession("{origin.url}/") as session:
    assert session.get("bytes/4").content == b"0123"
"""
    )


def test_bridge_makes_errors_those_of_requests():
    pytest.importorskip("requests")
    printed = run(
        """
import pickle, requests, smartclient
from smartclient import exceptions
exceptions.bridge()
exceptions.bridge()
for name in exceptions.__all__:
    ours, theirs = getattr(exceptions, name), getattr(requests.exceptions, name, None)
    if isinstance(theirs, type) and not issubclass(theirs, Warning):
        assert issubclass(ours, theirs), name
try:
    smartclient.get("http://127.0.0.1:1/", retries=0)
except requests.ConnectionError as error:
    assert isinstance(error, smartclient.ConnectionError)
    assert (error.sent, error.request.url) == ("nothing", "http://127.0.0.1:1/")
try:
    smartclient.get("nowhere")
except requests.exceptions.MissingSchema as error:
    assert isinstance(error, ValueError)
response = smartclient.Response()
response._content = b"{"
try:
    response.json()
except requests.JSONDecodeError as error:
    again = pickle.loads(pickle.dumps(error))
    print(again.pos, again.doc)
"""
    )
    assert printed == "1 {\n"


def test_nothing_is_bridged_unasked():
    pytest.importorskip("requests")
    run(
        """
import requests, smartclient
assert not issubclass(smartclient.RequestException, requests.RequestException)
"""
    )
