"""Content negotiation: one origin with JSON, HTML and CSV, in German and English, in several codings.

Thirty requests: what was asked, what came, and what `response.negotiated` says of it (type, language, coding).
"""

import gzip
import threading
import zlib
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import smartclient
from smartclient.exceptions import NegotiationError, NotAcceptable

JSON, HTML, CSV = TYPES = ("application/json", "text/html", "text/csv")
WORDS = {"en": "tea", "de": "Tee"}
CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}


def best(field: str | None, variants: Iterable[str]) -> str | None:
    """The variant that a server chooses by a field with weights; None when all are refused."""
    weights = {}
    for member in (field or "*").split(","):
        name, _, weight = member.strip().partition(";q=")
        weights[name] = float(weight or 1)

    def weight_of(variant: str) -> float:
        ranges = (variant, f"{variant.partition('/')[0]}/*", "*/*", "*")
        return next((weights[each] for each in ranges if each in weights), 0.0)

    chosen = max(variants, key=weight_of)
    return chosen if weight_of(chosen) else None


class Origin(BaseHTTPRequestHandler):
    """Serves the variant that suits best; /html is HTML in English whatever was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One request."""
        fixed = self.path == "/html"
        media_type = HTML if fixed else best(self.headers["Accept"], TYPES)
        language = "en" if fixed else best(self.headers["Accept-Language"], WORDS) or "en"
        coding = best(self.headers["Accept-Encoding"], CODINGS) or "identity"
        body = CODINGS[coding]((f"{WORDS[language]} as {media_type}" if media_type else "\n".join(TYPES)).encode())
        self.send_response(200 if media_type else 406)
        self.send_header("Content-Type", media_type or "text/plain")
        self.send_header("Content-Language", language)
        if coding != "identity":
            self.send_header("Content-Encoding", coding)
        self.send_header("Vary", "Accept, Accept-Language, Accept-Encoding")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet."""


ACCEPTS = [JSON, [HTML, (CSV, 0.5)], [(JSON, 0.2), ("text/*", 0.7)], [(JSON, 0), "*/*"], "image/png"]
LANGUAGES = ["de", [("de", 0.3), ("en", 0.8)], "fr"]
ENCODINGS = ["gzip;q=0.5, deflate", "identity"]


def show(session: smartclient.Session) -> None:
    """The table."""
    for accept in ACCEPTS:
        for language in LANGUAGES:
            for encoding in ENCODINGS:
                headers = {"Accept-Encoding": encoding}
                response = session.get("/", accept=accept, accept_language=language, headers=headers)
                print(f"{response.status_code} {response.text.splitlines()[0]}")
                for name, (asked, got, quality) in response.negotiated._asdict().items():
                    print(
                        f"    {name:8} asked {asked!s:36} got {got!s:18} q={quality:g}{'' if quality else ' no match'}"
                    )


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with smartclient.Session(base_url=f"http://127.0.0.1:{server.server_port}") as session:
            show(session)
            try:
                session.get("/", accept="image/png").raise_for_status()
            except NotAcceptable as error:
                print("406 lists:", *error.alternatives, sep="\n    ")
            try:
                session.get("/html", accept=JSON, strict_accept=True)
            except NegotiationError as error:
                print("strict_accept:", error)
        server.shutdown()
