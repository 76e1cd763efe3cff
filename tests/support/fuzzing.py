"""Fuzzing without foreign code: mutations of a corpus, seeded; what reaches new lines joins the corpus.

Tracing costs several times what a run does, so one run of `TRACED_EACH` is traced. Work is done in rounds with dice of
their own, so that a run which was interrupted goes on with the next round.
"""

import hashlib
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from fuzz_targets import Target

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
STATE = ROOT / ".fuzz"
ROUND = 500  # runs with one set of dice
TRACED_EACH = 40
INPUT_MAX = 4096
KEPT_MAX, KEPT_BYTES = 48, 1024  # files of a corpus, and bytes of each
HANG = 10  # seconds of the processor for one run
FOLLOWED = re.compile(r"[\\/](?:smartclient|h2|hpack|hyperframe|wsproto)[\\/]")
TOKENS = re.compile(rb"[A-Za-z-]+|[0-9]+|\s+|[^A-Za-z0-9\s]")
NUMBERS = (b"0", b"-1", b"255", b"65536", b"2147483648", b"18446744073709551616", b"9" * 400, b"1e9", b"\xb2")
WIDE = (b"\0\0", b"\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff" * 8)

Arc = tuple[object, int]


class Hang(Exception):
    """One run took the processor for longer than `HANG` seconds."""


@dataclass
class Report:
    """What a session of fuzzing did.

    Attributes:
        runs: of this session; `total` counts those of the sessions before, too.
        findings: (path of the saved input, what was raised).
    """

    runs: int
    total: int
    seconds: float
    inputs: int
    findings: list[tuple[Path, str]]


class Mutations:
    """New inputs out of those that are there."""

    def __init__(self, dice: random.Random, inputs: list[bytes]) -> None:
        self._dice = dice
        self._inputs = inputs
        self._ways = (
            self._flip,
            self._put,
            self._cut,
            self._repeat,
            self._cross,
            self._number,
            self._wide,
            self._tokens,
            self._lead,
        )

    def draw(self) -> bytes:
        """One input of at most `INPUT_MAX` bytes, one to six steps away from one of the corpus."""
        data = bytearray(self._dice.choice(self._inputs))
        for _ in range(self._dice.choice((1, 1, 1, 2, 3, 6))):
            data = self._dice.choice(self._ways)(data)
        return bytes(data[:INPUT_MAX])

    def _at(self, data: bytearray) -> int:
        return self._dice.randrange(len(data) + 1)

    def _flip(self, data: bytearray) -> bytearray:
        if data:
            at = self._dice.randrange(len(data))
            data[at] ^= 1 << self._dice.randrange(8) if self._dice.random() < 0.5 else self._dice.randrange(1, 256)
        return data

    def _put(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at:at] = self._dice.randbytes(self._dice.randrange(1, 5))
        return data

    def _span(self, data: bytearray) -> slice:
        start = self._at(data)
        return slice(start, min(len(data), start + self._dice.choice((1, 2, 4, 16, 200))))

    def _cut(self, data: bytearray) -> bytearray:
        del data[self._span(data)]
        return data

    def _repeat(self, data: bytearray) -> bytearray:
        span = self._span(data)
        data[span.start : span.start] = data[span] * self._dice.choice((1, 1, 2, 20))
        return data

    def _cross(self, data: bytearray) -> bytearray:
        other = bytearray(self._dice.choice(self._inputs))
        piece = other[self._span(other)] if self._dice.random() < 0.5 else other[self._at(other) :]
        at = self._at(data)
        data[at : at + self._dice.choice((0, len(piece)))] = piece
        return data

    def _number(self, data: bytearray) -> bytearray:
        found = list(re.finditer(rb"[0-9]+", data))
        if found:
            match = self._dice.choice(found)
            data[match.start() : match.end()] = self._dice.choice(NUMBERS)
        return data

    def _wide(self, data: bytearray) -> bytearray:
        value = self._dice.choice(WIDE)
        at = self._at(data)
        data[at : at + len(value)] = value
        return data

    def _tokens(self, data: bytearray) -> bytearray:
        """One word or sign in the place of another, as grammars have it."""
        here, there = list(TOKENS.finditer(data)), TOKENS.findall(self._dice.choice(self._inputs))
        if here and there:
            match = self._dice.choice(here)
            data[match.start() : match.end()] = self._dice.choice(there)
        return data

    def _lead(self, data: bytearray) -> bytearray:
        """Other first bytes: by these, targets choose how to read."""
        data[:2] = self._dice.randbytes(2)
        return data


class Tracer:
    """The lines that runs have reached."""

    def __init__(self) -> None:
        self.seen: set[Arc] = set()
        self._new = False
        self._followed: dict[str, bool] = {}

    def reaches_new_lines(self, target: Target, data: bytes) -> bool:
        """Runs `target`; whether it came where none was before."""
        self._new = False
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            target(data)
        finally:
            sys.settrace(before)
        return self._new

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in self._followed:
            self._followed[name] = FOLLOWED.search(name) is not None
        return self._line if self._followed[name] else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        arc = (frame.f_code, frame.f_lineno)
        if arc not in self.seen:
            self.seen.add(arc)
            self._new = True
        return self._line


def corpus_of(name: str) -> list[Path]:
    """The files of a target's corpus, in the same order everywhere."""
    return sorted((CORPUS / name).glob("*.bin"))


def keep(name: str, data: bytes, mark: str = "") -> Path:
    """Saves an input into the corpus of `name`; `mark` begins its name."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{mark}{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    return path


def fuzz(name: str, target: Target, *, runs: int, seconds: float, seed: int = 0, resume: bool = False) -> Report:
    """Runs `target` on mutations until `runs` runs (with `resume`: in all) or `seconds` are over, or ten findings."""
    state = STATE / f"{name}.json"
    done = json.loads(state.read_text())["rounds"] if resume and state.exists() else 0
    begun, first = time.monotonic(), done
    inputs = [path.read_bytes() for path in corpus_of(name)]
    tracer = Tracer()
    findings: dict[str, tuple[Path, str]] = {}
    with _no_hangs():
        for data in inputs:
            _run(name, target, data, tracer, findings)
        while done * ROUND < runs and time.monotonic() - begun < seconds and len(findings) < 10:
            mutations = Mutations(random.Random(f"{name} {seed} {done}"), inputs)
            for number in range(ROUND):
                data = mutations.draw()
                if _run(name, target, data, None if number % TRACED_EACH else tracer, findings):
                    inputs.append(data)
                    if len(data) <= KEPT_BYTES and len(corpus_of(name)) < KEPT_MAX:
                        keep(name, data)
            done += 1
            _note(state, done)
    spent = time.monotonic() - begun
    return Report((done - first) * ROUND, done * ROUND, spent, len(inputs), list(findings.values()))


def _note(state: Path, done: int) -> None:
    STATE.mkdir(exist_ok=True)
    whole = state.with_suffix(".new")
    whole.write_text(json.dumps({"rounds": done}))
    whole.replace(state)  # a session that is killed meanwhile leaves the round before


def fuzz_guided(name: str, *, runs: int, seconds: float, seed: int = 0) -> Report:
    """As `fuzz`, by atheris in a process of its own, which ends at the first finding."""
    begun = time.monotonic()
    script = Path(__file__).with_name("guided.py")
    limits = (str(runs), str(int(seconds)), str(seed + 1))  # libFuzzer takes seed 0 for none
    done = subprocess.run([sys.executable, script, name, *limits], capture_output=True, text=True, errors="replace")
    counted = re.search(r"number_of_executed_units: ([0-9]+)", done.stderr)
    if counted is None:
        raise RuntimeError(f"atheris did not run:\n{done.stderr}")
    made, why = int(counted[1]), done.stderr.partition(" === ")[2]  # libFuzzer's heading of what was raised
    findings = [(CORPUS / name / "finding-guided.bin", why[:2000])] if done.returncode else []
    learnt = sum(1 for _ in (STATE / "guided" / name).glob("*"))
    return Report(made, made, time.monotonic() - begun, learnt, findings)


def _run(name: str, target: Target, data: bytes, tracer: Tracer | None, findings: dict[str, tuple[Path, str]]) -> bool:
    """Whether the run was traced and reached new lines; a finding is saved, one for each place that raised."""
    signal.setitimer(signal.ITIMER_PROF, HANG)
    try:
        if tracer is not None:
            return tracer.reaches_new_lines(target, data)
        target(data)
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{type(error).__name__} in line {trace.tb_lineno}" if trace else type(error).__name__
        place += f" of {Path(trace.tb_frame.f_code.co_filename).name}" if trace else ""
        if place not in findings:
            findings[place] = (keep(name, data, "finding-"), f"{place}: {str(error)[:200]}")
    return False


@contextmanager
def _no_hangs() -> Iterator[None]:
    def hang(number: int, frame: FrameType | None) -> None:
        raise Hang(f"over {HANG} seconds of the processor")

    before = signal.signal(signal.SIGPROF, hang)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
