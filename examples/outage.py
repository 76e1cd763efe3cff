"""Retries: a server that is busy twice, and what the response tells of it afterwards."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import smartclient


class Busy(BaseHTTPRequestHandler):
    """503 to the first two requests, then an answer."""

    protocol_version = "HTTP/1.1"
    served = 0

    def do_GET(self) -> None:
        Busy.served += 1
        status, body = (503, b"busy\n") if Busy.served <= 2 else (200, b"at last\n")
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet: the client tells."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with smartclient.Session(retries=smartclient.RetryPolicy(2), on_event=print) as session:
            response = session.get(f"http://127.0.0.1:{server.server_port}/")
        print("\nattempts:", *response.attempts, sep="\n  ")
        print("\ndecisions:", *response.explain(), sep="\n  ")
        assert (response.text, len(response.attempts)) == ("at last\n", 3)
        server.shutdown()
