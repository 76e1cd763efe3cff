"""The cache, judged from outside by the conformance suite: an origin server, and what it sees and gets back.

All kinds of session run at the same time: most of a run is waiting until something is stale.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SUITE = Path(os.environ["CACHE_CONFORMANCE_DIR"])
ADAPTER = Path(__file__).with_name("adapter.py")
EVERYTHING = ("sync", "async", "sqlite")
WHY_NOT_BY_DEFAULT = {
    "heuristic": "lifetimes that nobody stated are an option: Cache(heuristic=True)",
    "stale": "it builds on stale answers for a connection that is cut: Cache(stale_if_error=inf)",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the suite says of each kind of session."""
    folder = tmp_path_factory.mktemp("conformance")
    running = {}
    for kind in (*EVERYTHING, "default"):
        command = [sys.executable, SUITE / "run.py", "--adapter", ADAPTER, "--json", folder / kind]
        environment = {**os.environ, "SMARTCLIENT_CONFORMANCE": kind}
        running[kind] = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    outputs = {kind: process.communicate(timeout=110)[0].decode() for kind, process in running.items()}
    assert {kind: process.returncode for kind, process in running.items()} == dict.fromkeys(running, 0), outputs
    return {kind: json.loads((folder / kind).read_bytes()) for kind in running}


def not_passed(result: Any) -> dict[str, str]:
    """Tests that demand something and did not get it, with what the suite says of each."""
    return {
        name: f"{test['class']}: {test['problem']}"
        for name, test in result["tests"].items()
        if test["kind"] != "check" and test["class"] != "pass"
    }


def groups() -> dict[str, str]:
    """The group of each test."""
    suite = json.loads((SUITE / "tests.json").read_bytes())
    return {test["id"]: group["id"] for group in suite["groups"] for test in group["tests"]}


@pytest.mark.parametrize("kind", EVERYTHING)
def test_everything_that_is_demanded(results: dict[str, Any], kind: str) -> None:
    assert not_passed(results[kind]) == {}


@pytest.mark.parametrize("kind", [*EVERYTHING, "default"])
def test_no_field_is_stored_that_must_not_be(results: dict[str, Any], kind: str) -> None:
    assert {name: test["notes"] for name, test in results[kind]["tests"].items() if test["notes"]} == {}


def test_what_the_default_leaves_out(results: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    missing = not_passed(results["default"])
    group_of = groups()
    reasons = {name: WHY_NOT_BY_DEFAULT.get(group_of[name]) for name in missing}
    with capsys.disabled():
        print()
        for kind, result in results.items():
            counts = [f"{tests.get('pass', 0)} of {sum(tests.values())}" for tests in tally(result)]
            print(f"{kind:8} required: {counts[0]}, optimal: {counts[1]}")
        for name, reason in reasons.items():
            print(f"not by default: {name}: {reason}")
    assert None not in reasons.values()
    assert set(reasons.values()) == set(WHY_NOT_BY_DEFAULT.values())


def tally(result: Any) -> tuple[dict[str, int], dict[str, int]]:
    """How many required and optimal tests ended in which class."""
    return result["summary"]["required"], result["summary"]["optimal"]
