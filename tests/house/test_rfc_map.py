"""docs/rfc-map.md names functions and tests that exist."""

import ast
import re
from functools import lru_cache
from pkgutil import resolve_name

import pytest

from source_tree import ROOT

PAGE = (ROOT / "docs/rfc-map.md").read_text("utf-8")
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| (`.+?) \| (`.+?) \|$", PAGE, re.M)


def quoted(column: int) -> list[str]:
    return sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[column])})


@lru_cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", quoted(2))
def test_functions(name: str) -> None:
    assert resolve_name(f"smartclient.{name if name.startswith('_') else f'_rules.{name}'}")


@pytest.mark.parametrize("name", quoted(3))
def test_tests(name: str) -> None:
    path, _, function = name.partition("::")
    assert function in functions_in(path)


def test_sections_are_in_order() -> None:
    rows = [row[0] for row in ROWS if re.fullmatch(r"[0-9.]+", row[0])]
    numbers = [tuple(map(int, row.split("."))) for row in rows]
    starts = [index for index, number in enumerate(numbers) if index and number < numbers[index - 1]]
    assert len(starts) < PAGE.count("| section |")  # each table begins anew
    assert len(rows) > 40
