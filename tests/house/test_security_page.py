"""docs/security.md and docs/threat-model.md name tests that exist; and what rule 17 says of code and dice."""

import ast
import re
from functools import cache

import pytest

from source_tree import MODULES, ROOT, Module

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
RULES = dict(re.findall(r"^## (\d+) .*?\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE + THREATS)))
CODE_FROM_DATA = {"eval", "exec", "compile", "__import__"}
MODULES_FOR_IT = {"pickle", "marshal", "shelve", "subprocess", "code", "runpy"}
SHELLS = re.compile(r"os\.(system|popen|exec\w+|spawn\w+)")


@cache
def defined_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_named_test_exists(path: str, name: str) -> None:
    assert name in defined_in(path)


def test_each_of_the_rules_names_a_test() -> None:
    assert sorted(map(int, RULES)) == list(range(1, 18))
    assert [number for number, text in RULES.items() if "::test_" not in text] == []


def test_each_threat_names_a_test_or_a_rule() -> None:
    threats = re.findall(r"^\| (?!threat|-)([^|]+) \| ([^|]+) \|$", THREATS, re.MULTILINE)
    assert len(threats) > 30
    assert [name for name, held_by in threats if "::test_" not in held_by and "rule " not in held_by] == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_data_becomes_code(module: Module) -> None:
    calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    assert not {call.id for call in calls if isinstance(call, ast.Name)} & CODE_FROM_DATA
    assert [name for name in map(ast.unparse, calls) if SHELLS.fullmatch(name)] == []
    assert not {name.split(".")[0] for name in module.imports()} & MODULES_FOR_IT


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_guessable_dice_are_for_pauses_only(module: Module) -> None:
    """The runtimes have them, for the jitter of retries; all else asks the system."""
    if module.room != "_runtime":
        assert "random" not in {name.split(".")[0] for name in module.imports()}
