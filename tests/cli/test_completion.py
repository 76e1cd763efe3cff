"""Scripts for shells: what they complete."""

import shutil
import subprocess
import sys

import pytest

from smartclient._cli.main import FILES

PROGRAM = [sys.executable, "-m", "smartclient", "completion"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["smartclient", "expl"], {"explain"}),
        (["smartclient", "get", "--no-f"], {"--no-follow", "--no-fail"}),
        (["smartclient", "cors", "--orig"], {"--origin"}),
        (["smartclient", "download", "--check"], {"--checksum"}),
        (["smartclient", "get", "http"], set()),
    ],
)
def test_bash(words: list[str], found: set[str]) -> None:
    script = subprocess.run([*PROGRAM, "bash"], capture_output=True, text=True, check=True).stdout
    call = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _smartclient; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", f"{script}\n{call}"], capture_output=True, text=True, check=True)
    assert (set(done.stdout.split()), done.stderr) == (found, "")


def test_fish_has_a_line_for_each_flag(capfd: pytest.CaptureFixture[str]) -> None:
    from smartclient._cli.main import main

    assert main(["completion", "fish"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert {line.split(" -a ")[1] for line in lines if " -a " in line} == {*filter(None, FILES), "help", "version"}
    assert any("-l checksum" in line and "from download" in line for line in lines)
