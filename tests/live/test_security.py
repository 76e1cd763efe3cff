"""What docs/security.md says that no other test holds; in all modes."""

import gzip

import pytest

from loopback.clients import Client
from loopback.origin import Origin, Page
from smartclient import Limits
from smartclient.exceptions import DecodedTooLarge, SSLError


def test_nothing_is_sent_to_whom_nobody_vouches_for(client: Client, tls_origin: Origin) -> None:
    with pytest.raises(SSLError) as caught:
        client.post(tls_origin.url + "/echo", data=b"secret", auth=("user", "secret"))
    assert caught.value.sent == "nothing"
    assert tls_origin.seen.requests == []


def test_a_bomb_in_the_cache_is_one(client: Client, origin: Origin) -> None:
    headers = (("Content-Encoding", "gzip"), ("Cache-Control", "max-age=60"))
    url = origin.route("/bomb", lambda seen: Page(gzip.compress(b"0" * 1_000_000), 200, headers))
    session = client.session(limits=Limits(decoded_max=2_000_000))
    assert len(session.get(url).content) == 1_000_000
    careful = session.inner if hasattr(session, "inner") else session
    careful.limits = Limits(decoded_max=1000)
    with pytest.raises(DecodedTooLarge):
        session.get(url)
    assert len(origin.seen.requests) == 1


def test_bodies_of_redirects_are_not_decoded(client: Client, origin: Origin) -> None:
    headers = (("Content-Encoding", "gzip"), ("Location", "/bytes/3"))
    url = origin.route("/moved", lambda seen: Page(b"no gzip at all" * 1000, 302, headers))
    response = client.get(url)
    assert (response.content, [each.status_code for each in response.history]) == (b"012", [302])
    assert origin.seen.connections == 1
