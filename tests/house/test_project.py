"""README, continuous integration and the project file say the same."""

import os
import re
import tomllib

import pytest

from source_tree import ROOT

README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    test_commands = [command.strip() for command in commands if "pytest" in command]
    assert len(test_commands) == 1
    assert test_commands[0] in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("script", ["scripts/check", ".ci/run"])
def test_script_is_executable(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_dependency_has_its_decision(requirement: str) -> None:
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    pages = [path.stem for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert [page for page in pages if page.partition("-")[2] == name[0].replace(".", "-")]
