"""One origin with JSON, HTML and CSV, in German and English, in all codings: what was asked, what came, what we say."""

from typing import Any, NamedTuple

import pytest

from loopback.clients import Client
from loopback.negotiating import CODINGS, TYPES, negotiating, stubborn, text_of
from loopback.origin import Origin
from smartclient._codec.decoders import ACCEPT_ENCODING
from smartclient._store.memory import MAX_VARIANTS
from smartclient.exceptions import NegotiationError, NotAcceptable

JSON, HTML, CSV = TYPES


class Row(NamedTuple):
    """A request, the variant that comes, and the quality of its type, language and coding."""

    accept: Any
    language: Any
    coding: str | None
    came: tuple[str, str, str] | None  # None: 406
    qualities: tuple[float, float, float] = (1.0, 1.0, 1.0)


ROWS = {
    # Types, by specificity and weight (RFC 9110 section 12.5.1).
    "nothing asked": Row(None, None, "identity", (JSON, "en", "identity")),
    "JSON": Row(JSON, None, "identity", (JSON, "en", "identity")),
    "HTML": Row([HTML], None, "identity", (HTML, "en", "identity")),
    "CSV": Row(CSV, None, "identity", (CSV, "en", "identity")),
    "CSV before HTML": Row([CSV, (HTML, 0.9)], None, "identity", (CSV, "en", "identity")),
    "HTML heavier than CSV": Row([(CSV, 0.3), (HTML, 0.8)], None, "identity", (HTML, "en", "identity"), (0.8, 1, 1)),
    "any text": Row("text/*", None, "identity", (HTML, "en", "identity")),
    "any text, HTML less": Row(["text/*", (HTML, 0.5)], None, "identity", (CSV, "en", "identity")),
    "anything but JSON": Row([(JSON, 0), ("*/*", 0.5)], None, "identity", (HTML, "en", "identity"), (0.5, 1, 1)),
    "a type that is not there, or CSV": Row(
        ["image/png", (CSV, 0.001)], None, "identity", (CSV, "en", "identity"), (0.001, 1, 1)
    ),
    "with its parameter": Row(
        [(f"{HTML};charset=utf-8", 0.9), (CSV, 0.4), ("*/*", 0.1)],
        None,
        "identity",
        (HTML, "en", "identity"),
        (0.9, 1, 1),
    ),
    "406, a type that is not there": Row("image/png", None, "identity", None, (0, 1, 1)),
    "406, all refused": Row([("*/*", 0)], None, "identity", None, (0, 1, 1)),
    "406, whatever the language": Row(["image/*"], "de", "gzip", None, (0, 1, 1)),
    # Languages (RFC 4647 section 3.3.1).
    "German": Row(JSON, "de", "identity", (JSON, "de", "identity")),
    "English": Row(HTML, ["en"], "identity", (HTML, "en", "identity")),
    "German before English": Row(CSV, ["de", ("en", 0.7)], "identity", (CSV, "de", "identity")),
    "English heavier": Row(CSV, [("de", 0.2), ("en", 0.7)], "identity", (CSV, "en", "identity"), (1, 0.7, 1)),
    "anything but English": Row(JSON, [("en", 0), "*"], "identity", (JSON, "de", "identity")),
    "French, or else German": Row(JSON, ["fr", ("de", 0.1)], "identity", (JSON, "de", "identity"), (1, 0.1, 1)),
    "French, which is passed over": Row(JSON, "fr", "identity", (JSON, "en", "identity"), (1, 0, 1)),
    "German of Austria is not German": Row(JSON, "de-AT", "identity", (JSON, "en", "identity"), (1, 0, 1)),
    # Codings (RFC 9110 section 12.5.3).
    "gzip": Row(JSON, None, "gzip", (JSON, "en", "gzip")),
    "deflate": Row(HTML, "de", "deflate", (HTML, "de", "deflate")),
    "br": Row(CSV, "en", "br", (CSV, "en", "br")),
    "zstd": Row(JSON, "de", "zstd", (JSON, "de", "zstd")),
    "deflate heavier than gzip": Row(JSON, None, "gzip;q=0.5, deflate;q=0.8", (JSON, "en", "deflate"), (1, 1, 0.8)),
    "identity heavier": Row(JSON, None, "gzip;q=0.5, identity;q=0.9", (JSON, "en", "identity"), (1, 1, 0.9)),
    "no coding asked for": Row(JSON, None, "", (JSON, "en", "identity")),
    "all three": Row(
        [(JSON, 0.2), (HTML, 0.9)],
        [("en", 0.3), ("de", 0.6)],
        "deflate;q=0.1, gzip;q=0.4",
        (HTML, "de", "gzip"),
        (0.9, 0.6, 0.4),
    ),
}
ID_AND_ROW = [pytest.param(row, id=name) for name, row in ROWS.items()]


def test_table_has_thirty_requests_and_all_variants() -> None:
    came = {row.came for row in ROWS.values() if row.came}
    assert len(ROWS) == 30
    assert {each[0] for each in came} == set(TYPES)
    assert {each[1] for each in came} == {"en", "de"}
    assert {each[2] for each in came} == set(CODINGS)


def is_known(row: Row) -> bool:
    return row.came is None or row.came[2] in (*ACCEPT_ENCODING.split(", "), "identity")


def ask(client: Any, url: str, row: Row, **options: Any) -> Any:
    headers = {"Accept-Encoding": row.coding}
    return client.get(url, accept=row.accept, accept_language=row.language, headers=headers, **options)


@pytest.mark.parametrize("row", ID_AND_ROW)
def test_asked_and_got(client: Client, origin: Origin, row: Row) -> None:
    if not is_known(row):
        pytest.skip("a coding that is not decoded here")
    url = origin.route("/tea", negotiating)
    response = ask(client, url, row)
    seen = origin.seen.requests[0]
    result = response.negotiated
    asked = (seen.header("accept"), seen.header("accept-language"), seen.header("accept-encoding"))
    assert (result.type.asked, result.language.asked, result.coding.asked) == asked
    assert tuple(dimension.quality for dimension in result) == row.qualities
    assert [dimension.matched for dimension in result] == [quality > 0 for quality in row.qualities]
    if row.came is None:
        assert response.status_code == 406
        return
    media_type, language, coding = row.came
    assert (result.type.got, result.language.got, result.coding.got) == (
        f"{media_type}; charset=utf-8",
        language,
        coding,
    )
    assert response.text == text_of(media_type, language)
    assert response.vary == ("accept", "accept-language", "accept-encoding")


def test_cache_tells_the_variants_apart(client: Client, origin: Origin) -> None:
    session = client.session()
    url = origin.route("/tea", negotiating)
    rows = [row for row in ROWS.values() if row.came and is_known(row)]
    expected = [text_of(*row.came[:2]) for row in rows if row.came]
    assert [ask(session, url, row).text for row in rows] == expected
    asked = len(origin.seen.requests)
    again = [ask(session, url, row) for row in reversed(rows)]
    assert [response.text for response in reversed(again)] == expected
    assert [response.negotiated.coding.got for response in reversed(again)] == [row.came[2] for row in rows if row.came]
    assert len(origin.seen.requests) - asked <= len(rows) - MAX_VARIANTS


def test_406_is_an_error_that_lists_what_is_there(client: Client, origin: Origin) -> None:
    response = client.get(origin.route("/tea", negotiating), accept="image/png")
    with pytest.raises(NotAcceptable) as caught:
        response.raise_for_status()
    listed = [(each.type, each.language, each.url) for each in caught.value.alternatives]
    assert listed == [(name, language, f"/{name}") for name in TYPES for language in ("en", "de")]
    assert caught.value.__notes__[0].startswith("the server has: application/json en /application/json, ")


def test_strict_accept(client: Client, origin: Origin) -> None:
    session = client.session(strict_accept=True, accept="application/json")
    assert session.get(origin.route("/tea", negotiating)).json() == {"what": "tea"}
    url = origin.route("/html", stubborn)
    with pytest.raises(NegotiationError, match="Accept: application/json was asked for, 'text/html' came") as caught:
        session.get(url + "?token=hunter2")
    error = caught.value
    assert (error.sent, error.response.status_code, error.request.url) == ("wholly", 200, url + "?token=hunter2")
    assert "hunter2" not in str(error)
    assert session.get(url, strict_accept=False).text == "<p>tea</p>"
    assert session.get(url, accept=["text/*"]).text == "<p>tea</p>"
    with pytest.raises(NegotiationError, match="Accept-Language: de was asked for, 'en' came"):
        session.get(url, accept="text/html", accept_language="de")


def test_strict_accept_leaves_redirects_and_errors_alone(client: Client, origin: Origin) -> None:
    session = client.session(strict_accept=True, accept="application/json")
    assert session.get(origin.url + "/redirect/2").json()["method"] == "GET"
    assert session.get(origin.url + "/status/404").status_code == 404
