"""A download over a server that breaks off twice: one call, one file, checked."""

import hashlib
import http.server
import re
import tempfile
import threading
from pathlib import Path

import smartclient

CONTENT = bytes(range(256)) * 4096
BREAKS = [300_000, 600_000]


class Origin(http.server.BaseHTTPRequestHandler):
    """Gives parts of one file; the first two answers end too early."""

    def do_GET(self) -> None:
        """One request."""
        start = int(re.sub(r"bytes=(\d+)-.*", r"\1", self.headers.get("Range", "0")))
        self.send_response(206 if start else 200)
        self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(CONTENT[start : BREAKS.pop(0) if BREAKS else None])


if __name__ == "__main__":
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, checksum = f"http://127.0.0.1:{server.server_port}/file", f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
        with smartclient.Session() as session:
            done = session.download(url, Path(folder) / "file", checksum=checksum)
        print(f"{done.size} bytes, {done.digest}")
        server.shutdown()
