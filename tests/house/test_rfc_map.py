"""docs/rfc-map.md names functions and tests that exist."""

import ast
import re
from functools import lru_cache
from pkgutil import resolve_name

from source_tree import ROOT

PAGE = (ROOT / "docs/rfc-map.md").read_text("utf-8")
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| (`.+?) \| (`.+?) \|$", PAGE, re.M)


def quoted(column: int) -> list[str]:
    return sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[column])})


@lru_cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def is_there(name: str) -> bool:
    try:
        return bool(resolve_name(f"smartclient.{name if name.startswith('_') else f'_rules.{name}'}"))
    except (AttributeError, ImportError):
        return False


def test_functions() -> None:
    assert [name for name in quoted(2) if not is_there(name)] == []
    assert not is_there("freshness.no_such_function")


def test_tests() -> None:
    named = [name.partition("::") for name in quoted(3)]
    assert ["::".join((path, function)) for path, _, function in named if function not in functions_in(path)] == []


def test_sections_are_in_order() -> None:
    rows = [row[0] for row in ROWS if re.fullmatch(r"[0-9.]+", row[0])]
    numbers = [tuple(map(int, row.split("."))) for row in rows]
    starts = [index for index, number in enumerate(numbers) if index and number < numbers[index - 1]]
    assert len(starts) < PAGE.count("| section |")  # each table begins anew
    assert len(rows) > 40
