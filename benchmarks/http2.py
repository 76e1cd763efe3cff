"""HTTP/2 with 50 tasks on one connection: we and httpx take turns in one process against nginx; CPU per request.

`python benchmarks/http2.py --rounds 10` prints the minimum over the rounds and the ratio.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

import smartclient

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from loopback.authority import Authority
from loopback.nginx import Nginx

CALLERS = 50
REQUESTS = 10  # of each caller in a round
BODY = "0123456789abcdef" * 64
BOUND = 2.0


async def one_round(session: Any, url: str) -> float:
    """Microseconds of CPU per request."""

    async def caller() -> None:
        for _ in range(REQUESTS):
            answer = await session.get(url)
            assert (answer.status_code, answer.http_version, answer.text) == (200, "HTTP/2", BODY)

    started = time.process_time()
    await asyncio.gather(*[caller() for _ in range(CALLERS)])
    return (time.process_time() - started) / CALLERS / REQUESTS * 1e6


async def measure(url: str, ca_file: str, rounds: int) -> dict[str, float]:
    """The least of all rounds, by client."""
    async with (
        smartclient.AsyncSession(http2=True, verify=ca_file) as ours,
        httpx.AsyncClient(http2=True, verify=ca_file) as theirs,
    ):
        sessions: dict[str, Any] = {"smartclient": ours, "httpx": theirs}
        best = dict.fromkeys(sessions, float("inf"))
        for _ in range(rounds + 1):
            for name, session in sessions.items():
                best[name] = min(best[name], await one_round(session, url))
        assert ours.stats().opened == 1
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare smartclient with httpx over HTTP/2.")
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):  # httpx puts them before `verify`
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as name:
        authority = Authority(Path(name))
        chain, key = authority.files("nginx")
        config = (
            f"server {{{{ listen 127.0.0.1:{{ports[0]}} ssl http2 {{backlog}};\n"
            f'ssl_certificate {chain}; ssl_certificate_key {key}; location / {{{{ return 200 "{BODY}"; }}}} }}}}\n'
        )
        with Nginx(Path(name), config) as nginx:
            url = f"https://localhost:{nginx.ports[0]}/"
            best = asyncio.run(measure(url, str(authority.ca_file), rounds))
    for name, micros in best.items():
        print(f"{name:12} {micros:7.0f} us per request")
    ratio = best["httpx"] / best["smartclient"]
    print(f"httpx / smartclient {ratio:.2f}, must be >= {BOUND}: {'holds' if ratio >= BOUND else 'FAILS'}")
    return 0 if ratio >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
