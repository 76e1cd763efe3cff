"""What the test nginx serves: pages of every framing, plain and over TLS."""

from pathlib import Path

from .authority import Authority
from .nginx import Nginx

KILOBYTE = b"0123456789abcdef" * 64
TEXT = "".join(f"line {n} of a page that compresses well\n" for n in range(1000)).encode()
MEGABYTES = 16
STATUSES = (200, 201, 204, 400, 401, 403, 404, 405, 409, 410, 418, 429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)

_LOCATIONS = """
        root {folder}/pages;
        location = / {{ return 200 "hello\\n"; }}
        location = /1k {{ etag off; if_modified_since off; add_header Last-Modified ""; }}
        location = /static {{ add_header Cache-Control "no-cache"; }}
        location = /fresh {{ alias {folder}/pages/static; add_header Cache-Control "max-age=600"; }}
        location = /gzip {{ alias {folder}/pages/text; gzip on; gzip_types *; gzip_min_length 1; gzip_vary on; }}
        location = /chunked {{ alias {folder}/pages/text; ssi on; ssi_types *; }}
        location = /empty {{ return 200; }}
        location = /loop {{ return 302 /loop; }}
"""


def nginx_with_pages(folder: Path, authority: Authority) -> Nginx:
    """An nginx, not yet started: `ports[0]` is plain, `ports[1]` is TLS, `ports[2]` HTTP/2; all serve the same pages.

    /1k, /text (no coding), /gzip, /chunked, /big (16 MiB), /100m (zeros), /static (ETag and Last-Modified),
    /fresh (the same, max-age=600), /empty, /status/NNN, /redirect/NNN (to /1k), /loop.
    """
    pages = folder / "pages"
    pages.mkdir()
    (pages / "1k").write_bytes(KILOBYTE)
    (pages / "text").write_bytes(TEXT)
    (pages / "static").write_bytes(b"a page that seldom changes\n")
    (pages / "big").write_bytes(bytes(range(256)) * (MEGABYTES * 4096))
    with open(pages / "100m", "wb") as sparse:
        sparse.truncate(100_000_000)
    chain, key = authority.files("nginx")
    locations = _LOCATIONS + "".join(
        [f'        location = /status/{code} {{{{ return {code} "{code}\\n"; }}}}\n' for code in STATUSES]
        + [f"        location = /redirect/{code} {{{{ return {code} /1k; }}}}\n" for code in REDIRECTS]
    )
    http = (
        f"server {{{{ listen 127.0.0.1:{{ports[0]}} {{backlog}}; {locations} }}}}\n"
        f"server {{{{ listen 127.0.0.1:{{ports[1]}} ssl {{backlog}};\n"
        f"    ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"    {locations} }}}}\n"
        f"server {{{{ listen 127.0.0.1:{{ports[2]}} ssl http2 {{backlog}};\n"
        f"    ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"    {locations} }}}}\n"
    )
    return Nginx(folder, http, count=3)
