"""Server-sent events over connections that break: none is missed, and the server says when there are no more."""

import http.server
import threading

import smartclient


class Origin(http.server.BaseHTTPRequestHandler):
    """Gives three events with each answer, and nine in all."""

    def do_GET(self) -> None:
        """One request: goes on after the last event that the client has seen."""
        seen = int(self.headers.get("Last-Event-ID", "0"))
        if seen == 9:
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number in range(seen + 1, seen + 4):
            self.wfile.write(f"retry: 500\nid: {number}\ndata: event {number}\n\n".encode())


if __name__ == "__main__":
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with smartclient.Session() as session, session.sse(f"http://127.0.0.1:{server.server_port}/") as events:
            for event in events:
                print(event.id, event.data)
        server.shutdown()
