"""How fast smartclient is beside other clients: one process, one nginx, taking turns.

    python benchmarks/peers.py                          all cases
    python benchmarks/peers.py --cases sync-1 --repeat 3
    python benchmarks/peers.py --profile asyncio-50     where our own time goes

Needs nginx and the extra `bench`. In each round every client makes its share of requests; the minimum over the rounds
counts, of downloads the median. CPU is `time.process_time`, which includes a client's own threads; wall time may hide
work that such threads do on a free core. Ratios are peer / ours: above 1 we are faster. With `--repeat` the worst ratio
of the runs is reported; `--markdown` writes the table of docs/performance.md. Cases with one caller run on one core,
server included: there client and server only ever take turns.

Raw sockets are always in the field, as floor and as weather gauge: a round in which they are slow is not counted as
one of the rounds asked for (what it measured is kept all the same), and the table says how many were calm.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cases import CASES, Case
from contenders import BODY, DOWNLOAD, FLOOR, Target
from rounds import SLOW, measure, profile, sharing_a_core
from verdicts import Run, markdown, show_outcome, show_verdict, worst_ratios, worst_scaling

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from loopback.authority import Authority  # noqa: E402
from loopback.nginx import Nginx  # noqa: E402

SLOW_CALLERS = 50  # above this the slow ones only with --slow
TRUST = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}  # requests puts them before `verify`
BUILT_IN = (FLOOR, "http.client")
PEERS = list(dict.fromkeys(peer for case in CASES.values() for peer in case.everyone))

# One cipher, so that all who download over TLS decipher the same.
_PAGES = """
server {{{{
    listen 127.0.0.1:{{ports[0]}} {{backlog}};
    listen 127.0.0.1:{{ports[1]}} ssl {{backlog}};
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    default_type application/octet-stream;
    location = /1k {{{{ return 200 "{page}"; }}}}
    location / {{{{ root {{folder}}; etag off; if_modified_since off; add_header Last-Modified ""; }}}}
}}}}
"""


@contextlib.contextmanager
def pages() -> Iterator[tuple[Nginx, str]]:
    """The running nginx and the path of the bundle that vouches for it; serves /1k and /100m, plain and over TLS."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "100m").write_bytes(DOWNLOAD)
        authority = Authority(folder)
        chain, key = authority.files("nginx")
        config = _PAGES.format(chain=chain, key=key, page=BODY.decode())
        with Nginx(folder, config, count=2) as nginx:
            yield nginx, str(authority.ca_file)


def target_of(case: Case, nginx: Nginx, ca_file: str) -> Target:
    """What `case` fetches from these pages."""
    scheme, port = ("https", nginx.ports[1]) if case.tls else ("http", nginx.ports[0])
    url = f"{scheme}://127.0.0.1:{port}/{'100m' if case.download else '1k'}"
    return Target(url, case.connections, ca_file if case.tls else None)


def chosen_peers(case: Case, wanted: list[str], slow: bool) -> list[str]:
    """The peers of a case that are installed and wanted, ours first."""
    return [
        peer
        for peer in case.everyone
        if (not wanted or peer in wanted or peer == FLOOR)
        and (peer in BUILT_IN or importlib.util.find_spec(peer) is not None)
        and (slow or peer not in SLOW or case.callers <= SLOW_CALLERS)
    ]


def facts(rounds: int) -> dict[str, Any]:
    """What the numbers depend on: versions and machine."""
    versions = {}
    for name in {"uvloop", *PEERS} - set(BUILT_IN):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "rounds": rounds,
        "body_bytes": len(BODY),
        "download_bytes": len(DOWNLOAD),
        "versions": dict(sorted(versions.items())),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare smartclient with other HTTP clients on a local nginx.")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=[], metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=25, help="calm rounds of each case (25; of downloads at most 9)")
    parser.add_argument("--repeat", type=int, default=1, help="whole runs, of which the worst is reported (1)")
    parser.add_argument("--slow", action="store_true", help=f"{', '.join(sorted(SLOW))} also with many callers")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "peers.json", metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the ratios as a table")
    parser.add_argument("--profile", choices=CASES, metavar="CASE", help="profile our side of one case instead")
    return parser.parse_args()


def allow_many_sockets() -> None:
    """A thousand connections for each client at once need more descriptors than the usual 1024."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    options = arguments()
    allow_many_sockets()
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name in TRUST]:
        del os.environ[name]
    with pages() as (nginx, ca_file):
        if options.profile:
            case = CASES[options.profile]
            profile(case, target_of(case, nginx, ca_file))
            return 0
        floors: dict[str, float] = {}
        runs = [compare(options, nginx, ca_file, floors) for _ in range(options.repeat)]
    ratios, scaling = worst_ratios(runs), worst_scaling(runs)
    held = show_verdict(ratios, scaling, len(runs))
    report = {"v": 1, **facts(options.rounds), "worst": ratios, "scaling": scaling, "runs": runs}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown(ratios, scaling))
    print(f"\nwritten to {options.json}")
    return 0 if held else 1


def compare(options: argparse.Namespace, nginx: Nginx, ca_file: str, floors: dict[str, float]) -> Run:
    """One run of the chosen cases, printed."""
    run: Run = {}
    for name in options.cases:
        case = CASES[name]
        if case.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
            continue
        if peers := chosen_peers(case, options.peers, options.slow):
            with sharing_a_core(case, nginx.process_ids):
                run[name] = measure(case, target_of(case, nginx, ca_file), peers, options.rounds, floors)
            show_outcome(case, run[name])
    return run


if __name__ == "__main__":
    sys.exit(main())
