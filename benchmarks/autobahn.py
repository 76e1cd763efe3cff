"""The client cases of autobahn's test suite: every message that its fuzzing server sends is echoed, and it judges.

    wstest -m fuzzingserver -s spec.json        {"url": "ws://127.0.0.1:9001", "outdir": "reports", "cases": ["*"]}
    python benchmarks/autobahn.py --server ws://127.0.0.1:9001 --ways blocking asyncio trio

The suite is Python 2 and is installed apart. The verdicts are in its reports; what is printed counts them.
"""

import argparse
import contextlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import smartclient
from loopback.ways import new_session, run, settled

WAYS = ("blocking", "asyncio", "trio")
MESSAGE_MAX = 2**25  # bytes; the largest of the suite has 2**24
SECONDS = 120.0  # of one message


async def told(session: Any, url: str) -> Any:
    """The one message of a conversation that reports."""
    socket = await settled(session.websocket(url))
    message = await settled(socket.receive(SECONDS))
    await settled(socket.close())
    return json.loads(message)


async def echo(session: Any, url: str) -> None:
    """One case, to its end."""
    socket = await settled(session.websocket(url, max_message=MESSAGE_MAX))
    try:
        while True:
            await settled(socket.send(await settled(socket.receive(SECONDS))))
    except smartclient.exceptions.WebSocketError:
        await settled(socket.close())


async def cases(way: str, server: str, first: int, last: int) -> dict[str, list[str]]:
    """The cases with these numbers, by verdict."""
    agent = f"smartclient-{way}"
    session = new_session(way)
    count = await told(session, f"{server}/getCaseCount")
    found: dict[str, list[str]] = {}
    for number in range(first, min(last, count) + 1):
        await echo(session, f"{server}/runCase?case={number}&agent={agent}")
        status = await told(session, f"{server}/getCaseStatus?case={number}&agent={agent}")
        case = await told(session, f"{server}/getCaseInfo?case={number}")
        found.setdefault(status["behavior"], []).append(case["id"])
    socket = await settled(session.websocket(f"{server}/updateReports?agent={agent}"))
    with contextlib.suppress(smartclient.exceptions.WebSocketError):
        await settled(socket.receive(SECONDS))
    await settled(session.close())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Cases of autobahn's test suite for clients.")
    parser.add_argument("--server", default="ws://127.0.0.1:9001")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--first", type=int, default=1, help="number of the case to begin with")
    parser.add_argument("--last", type=int, default=1000, help="number of the last case")
    given = parser.parse_args()
    failed = 0
    for way in given.ways:
        found = run(way, cases, way, given.server, given.first, given.last)
        counts = Counter({verdict: len(names) for verdict, names in found.items()})
        print(f"{way}: {', '.join(f'{count} {verdict}' for verdict, count in counts.most_common())}", flush=True)
        for verdict in set(found) - {"OK", "INFORMATIONAL"}:
            print(f"  {verdict}: {' '.join(found[verdict])}")
        failed += counts["FAILED"]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
