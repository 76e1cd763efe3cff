"""The package's own source, parsed, for the tests that judge the house itself."""

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "smartclient"


@dataclass
class Module:
    """One file. `name` is dotted ("smartclient._net.pool"), `room` the folder ("_net"), "" for public modules."""

    path: Path
    name: str
    room: str
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return str(self.path.relative_to(PACKAGE))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of `tree`."""
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[str]:
        """Dotted names of everything imported, inside functions and for type checking too."""
        return list(self.imported_by(self.nodes))

    def imported_by(self, nodes: Iterable[ast.AST]) -> Iterator[str]:
        """Dotted names of what those of `nodes` import that are statements of import."""
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                start = ".".join([*base, *([node.module] if node.module else [])])
                yield from (f"{start}.{alias.name}" for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def _parsed(path: Path) -> Module:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    room = parts[1] if len(parts) > 2 else ""
    text = path.read_text(encoding="utf-8")
    return Module(path, name, room, text, ast.parse(text))


@cache
def modules() -> list[Module]:
    """All of the package."""
    return [_parsed(path) for path in sorted(PACKAGE.rglob("*.py"))]


@cache
def core() -> list[Module]:
    """The rooms that choose no runtime."""
    return [module for module in modules() if module.room not in ("", "_api", "_cli")]


def wrong(judge: Callable[[Module], Collection[Any]], among: Iterable[Module]) -> dict[str, Collection[Any]]:
    """What `judge` finds wrong with each of `among`, of those with which something is."""
    return {str(module): found for module in among if (found := judge(module))}
