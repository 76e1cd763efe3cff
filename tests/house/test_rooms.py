"""Who may import whom, and what no room may do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import CORE, MODULES, Module

PROTOCOL = "_runtime.base"
MAY_IMPORT = {
    "_model": set(),
    "_rules": {"_model"},
    "_runtime": {"_model"},
    "_codec": {"_model"},
    "_store": {"_model", PROTOCOL},
    "_net": {"_model", PROTOCOL},
    "_pipeline": {"_model", "_rules", "_codec", "_store", "_net", PROTOCOL},
    "_api": {"_model", "_rules", "_codec", "_store", "_net", "_pipeline", "_runtime"},
    "_cli": {"_model", "_api", "public"},
    "public": {"_model", "_rules", "_codec", "_store", "_net", "_pipeline", "_runtime", "_api", "public"},
}
PURE_ROOMS = ("_model", "_rules")
IMPURE = {"time", "random", "secrets", "uuid", "os", "socket", "ssl", "select", "threading", "asyncio", "anyio", "trio"}
CLOCKS = {"now", "utcnow", "today", "localtime", "monotonic", "perf_counter"}
LOOPS = {"asyncio", "trio", "anyio", "sniffio"}
LOOP_ROOMS = ("_runtime", "_api")


def rooms_imported(module: Module) -> Iterator[str]:
    """What the module imports of the package: rooms, `_runtime.base` where it is that alone, and "public"."""
    for name in module.imports():
        parts = name.split(".")
        if parts[0] != "smartclient" or len(parts) == 1 or parts[1] in ("_version", "__version__"):
            continue
        if parts[1] == "_runtime" and parts[2:3] == ["base"]:
            yield PROTOCOL
        else:
            yield parts[1] if parts[1] in MAY_IMPORT else "public"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_go_down(module: Module) -> None:
    room = module.room or "public"
    allowed = MAY_IMPORT[room] | {room}
    if "_runtime" in allowed:
        allowed.add(PROTOCOL)
    if module.name == "smartclient.__main__":
        allowed.add("_cli")
    assert set(rooms_imported(module)) <= allowed


@pytest.mark.parametrize("module", [each for each in MODULES if each.room in PURE_ROOMS], ids=str)
def test_no_clock_no_dice_no_io(module: Module) -> None:
    assert not {name.split(".")[0] for name in module.imports()} & IMPURE
    called = {node.func.attr for node in ast.walk(module.tree) if is_method_call(node)}
    assert not called & CLOCKS


def is_method_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)


@pytest.mark.parametrize("module", [each for each in MODULES if each.room not in LOOP_ROOMS], ids=str)
def test_event_loops_live_in_the_runtime(module: Module) -> None:
    assert not {name.split(".")[0] for name in module.imports()} & LOOPS


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_httpcore_is_imported_late_and_h11_never(module: Module) -> None:
    at_import = {
        name.split(".")[0]
        for node in module.tree.body
        for name in Module(module.path, module.name, module.room, "", ast.Module([node], [])).imports()
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert "httpcore" not in at_import
    assert not {name for name in module.imports() if name.split(".")[0] == "h11"}
    if module.room != "_net":
        assert not {name for name in module.imports() if name.split(".")[0] == "httpcore"}


def lock_blocks(module: Module) -> Iterator[ast.With | ast.AsyncWith]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.With | ast.AsyncWith) and any(
            "lock" in ast.unparse(item.context_expr).lower() for item in node.items
        ):
            yield node


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_is_awaited_under_a_lock(module: Module) -> None:
    waits = ast.Await | ast.AsyncFor | ast.AsyncWith
    found = [
        node.lineno
        for block in lock_blocks(module)
        for statement in block.body
        for node in ast.walk(statement)
        if isinstance(node, waits)
    ]
    assert found == []


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from own_nodes(child)


@pytest.mark.parametrize("module", CORE, ids=str)
def test_no_async_generators_in_the_core(module: Module) -> None:
    found = [
        function.name
        for function in module.functions()
        if isinstance(function, ast.AsyncFunctionDef)
        and any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function))
    ]
    assert found == []
    assert not any("asynccontextmanager" in name for name in module.imports())


def test_the_rules_themselves_bite() -> None:
    tree = ast.parse("async def f(self):\n with self._lock:\n  await g()\n yield 1\nfrom .._net.pool import Pool\n")
    module = Module(Path("x.py"), "smartclient._rules.x", "_rules", "", tree)
    assert list(rooms_imported(module)) == ["_net"]
    with pytest.raises(AssertionError):
        test_nothing_is_awaited_under_a_lock(module)
    with pytest.raises(AssertionError):
        test_no_async_generators_in_the_core(module)
    with pytest.raises(AssertionError):
        test_imports_go_down(module)
