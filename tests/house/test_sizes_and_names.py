"""Sizes, names and docstrings of the source."""

import ast
import re
from pathlib import Path

from source_tree import PACKAGE, ROOT, Module, core, modules, wrong

FILE_LINES = 450
FUNCTION_LINES = 70
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
# Paths of somebody's machine, and marks of unfinished work.
UNWANTED = re.compile(r"(?<![\w.}])/(?:home|root|Users|work)/|\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def too_long(module: Module) -> list[str]:
    """Functions with more lines than they may have, and the file if it has."""
    lengths = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in module.functions()}
    found = [name for name, length in lengths.items() if length > FUNCTION_LINES]
    return found + ["the file"] * (module.text.count("\n") > FILE_LINES)


def empty_names(module: Module) -> list[str]:
    """Names, of the file and of classes, that say nothing."""
    names = [module.path.stem] if module.path.stem.strip("_").lower() in SAYS_NOTHING else []
    classes = [node.name for node in module.nodes if isinstance(node, ast.ClassDef)]
    return names + [name for name in classes if re.search("Manager|Helper|Utils?$", name)]


def undocumented(module: Module) -> list[str]:
    """Plain names of the module without a docstring, and the module itself."""
    definitions = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    bare = [
        node.name
        for node in module.tree.body
        if isinstance(node, definitions) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    return bare + ["the module"] * (not ast.get_docstring(module.tree))


def prints(module: Module) -> list[int]:
    """Lines."""
    return [
        node.lineno
        for node in module.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def test_sizes() -> None:
    assert wrong(too_long, modules()) == {}


def test_names_say_something() -> None:
    assert wrong(empty_names, [each for each in modules() if each.room]) == {}


def test_modules_and_plain_names_are_documented() -> None:
    assert wrong(undocumented, modules()) == {}


def test_nothing_prints_but_the_command_line() -> None:
    assert wrong(prints, core()) == {}


def test_no_paths_of_one_machine() -> None:
    paths = [
        path
        for folder in ("src", "tests", "benchmarks", "examples", "docs", "scripts")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".toml", "") and path.is_file() and "__pycache__" not in path.parts
    ]
    found = {str(path.relative_to(ROOT)): UNWANTED.findall(path.read_text(encoding="utf-8")) for path in paths}
    assert {path: unwanted for path, unwanted in found.items() if unwanted} == {}
    assert len(found) > 500


BAD = (
    """
class FileManager:
    def long(self):
        print(1)
"""
    + "        pass\n" * FILE_LINES
)


def test_the_rules_themselves_bite() -> None:
    module = Module(Path("utils.py"), "smartclient._rules.utils", "_rules", BAD, ast.parse(BAD))
    assert too_long(module) == ["long", "the file"]
    assert empty_names(module) == ["utils", "FileManager"]
    assert undocumented(module) == ["FileManager", "the module"]
    assert prints(module) == [4]
    assert UNWANTED.findall("see /home" + "/ann") == ["/home" + "/"]


def test_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
