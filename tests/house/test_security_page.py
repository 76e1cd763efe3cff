"""docs/security.md and docs/threat-model.md name tests that exist; and what rule 17 says of code and dice."""

import ast
import re
from functools import cache
from pathlib import Path

from source_tree import ROOT, Module, modules, wrong

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


def test_named_tests_exist() -> None:
    assert [f"{path}::{name}" for path, name in NAMED if name not in defined_in(path)] == []


def test_each_of_the_rules_names_a_test() -> None:
    assert sorted(map(int, RULES)) == list(range(1, 18))
    assert [number for number, text in RULES.items() if "::test_" not in text] == []


def test_each_threat_names_a_test_or_a_rule() -> None:
    threats = re.findall(r"^\| (?!threat|-)([^|]+) \| ([^|]+) \|$", THREATS, re.MULTILINE)
    assert len(threats) > 30
    assert [name for name, held_by in threats if "::test_" not in held_by and "rule " not in held_by] == []


def code_from_data(module: Module) -> set[str]:
    """Functions that are called and packages that are imported to run what is not code of ours."""
    calls = [node.func for node in module.nodes if isinstance(node, ast.Call)]
    named = {call.id for call in calls if isinstance(call, ast.Name)} & CODE_FROM_DATA
    shells = {name for name in map(ast.unparse, calls) if SHELLS.fullmatch(name)}
    return named | shells | {name.split(".")[0] for name in module.imports} & MODULES_FOR_IT


def test_no_data_becomes_code() -> None:
    assert wrong(code_from_data, modules()) == {}
    bad = Module(Path("x.py"), "x", "", "", ast.parse("import pickle\neval(x)\nos.popen(x)"))
    assert code_from_data(bad) == {"pickle", "eval", "os.popen"}


def test_guessable_dice_are_for_pauses_only() -> None:
    """The runtimes have them, for the jitter of retries; all else asks the system."""
    rolls = {str(module) for module in modules() if "random" in {name.split(".")[0] for name in module.imports}}
    assert {path.split("/")[0] for path in rolls} == {"_runtime"}
