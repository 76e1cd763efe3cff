"""Sizes, names and docstrings of the source."""

import ast
import re

import pytest

from source_tree import CORE, MODULES, PACKAGE, ROOT, Module

FILE_LINES = 450
FUNCTION_LINES = 70
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
TEXTS = sorted(
    path
    for folder in ("src", "tests", "benchmarks", "examples", "docs", "scripts")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".toml", "") and path.is_file() and "__pycache__" not in path.parts
)
# Paths of somebody's machine, and marks of unfinished work.
UNWANTED = re.compile(r"(?<![\w.}])/(?:home|root|Users|work)/|\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_sizes(module: Module) -> None:
    assert module.text.count("\n") <= FILE_LINES
    lengths = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in module.functions()}
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES} == {}


@pytest.mark.parametrize("module", [each for each in MODULES if each.room], ids=str)
def test_names_say_something(module: Module) -> None:
    assert module.path.stem.strip("_").lower() not in SAYS_NOTHING
    classes = [node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    assert [name for name in classes if re.search("Manager|Helper|Utils?$", name)] == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module_says_what_lives_here(module: Module) -> None:
    assert ast.get_docstring(module.tree)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_plain_names_are_documented(module: Module) -> None:
    definitions = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    bare = [
        node.name
        for node in module.tree.body
        if isinstance(node, definitions) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert bare == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_paths_of_one_machine(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert UNWANTED.findall(text) == []


def test_nothing_prints_but_the_command_line() -> None:
    printing = [
        str(module)
        for module in CORE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
