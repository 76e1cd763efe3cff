"""Who may import whom, and what no room may do."""

import ast
from collections.abc import Iterator
from pathlib import Path

from source_tree import Module, core, modules, wrong

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
    for name in module.imports:
        parts = name.split(".")
        if parts[0] != "smartclient" or len(parts) == 1 or parts[1] in ("_version", "__version__"):
            continue
        if parts[1] == "_runtime" and parts[2:3] == ["base"]:
            yield PROTOCOL
        else:
            yield parts[1] if parts[1] in MAY_IMPORT else "public"


def rooms_above(module: Module) -> set[str]:
    """Rooms that the module imports and may not."""
    room = module.room or "public"
    allowed = MAY_IMPORT[room] | {room}
    if "_runtime" in allowed:
        allowed.add(PROTOCOL)
    if module.name == "smartclient.__main__":
        allowed.add("_cli")
    return set(rooms_imported(module)) - allowed


def packages_of(module: Module) -> set[str]:
    """The first words of everything that the module imports."""
    return {name.split(".")[0] for name in module.imports}


def clocks_and_dice(module: Module) -> set[str]:
    called = {node.func.attr for node in module.nodes if is_method_call(node)}
    return packages_of(module) & IMPURE | called & CLOCKS


def is_method_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)


def parsers_of_others(module: Module) -> set[str]:
    """h11 anywhere, httpcore when the module is loaded, and httpcore at all outside of `_net`."""
    at_import = {name.split(".")[0] for name in module.imported_by(module.tree.body)}
    return at_import & {"httpcore"} | packages_of(module) & ({"h11"} if module.room == "_net" else {"h11", "httpcore"})


def lock_blocks(module: Module) -> Iterator[ast.With | ast.AsyncWith]:
    for node in module.nodes:
        if isinstance(node, ast.With | ast.AsyncWith) and any(
            "lock" in ast.unparse(item.context_expr).lower() for item in node.items
        ):
            yield node


def waits_under_a_lock(module: Module) -> list[int]:
    """Lines."""
    waits = ast.Await | ast.AsyncFor | ast.AsyncWith
    return [
        node.lineno
        for block in lock_blocks(module)
        for statement in block.body
        for node in ast.walk(statement)
        if isinstance(node, waits)
    ]


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from own_nodes(child)


def async_generators(module: Module) -> list[str]:
    """Their names, and what else needs one."""
    return [
        function.name
        for function in module.functions()
        if isinstance(function, ast.AsyncFunctionDef)
        and any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function))
    ] + [name for name in module.imports if "asynccontextmanager" in name]


def test_imports_go_down() -> None:
    assert wrong(rooms_above, modules()) == {}


def test_no_clock_no_dice_no_io() -> None:
    assert wrong(clocks_and_dice, [each for each in modules() if each.room in PURE_ROOMS]) == {}


def test_event_loops_live_in_the_runtime() -> None:
    outside = [each for each in modules() if each.room not in LOOP_ROOMS]
    assert wrong(lambda module: packages_of(module) & LOOPS, outside) == {}


def test_httpcore_is_imported_late_and_h11_never() -> None:
    assert wrong(parsers_of_others, modules()) == {}


def test_nothing_is_awaited_under_a_lock() -> None:
    assert wrong(waits_under_a_lock, modules()) == {}


def test_no_async_generators_in_the_core() -> None:
    assert wrong(async_generators, core()) == {}


BAD = """
import time, h11
from contextlib import asynccontextmanager
from .._net.pool import Pool
async def f(self):
    with self._lock:
        await g()
    yield clock.now()
"""


def test_the_rules_themselves_bite() -> None:
    module = Module(Path("x.py"), "smartclient._rules.x", "_rules", "", ast.parse(BAD))
    assert rooms_above(module) == {"_net"}
    assert clocks_and_dice(module) == {"time", "now"}
    assert parsers_of_others(module) == {"h11"}
    assert waits_under_a_lock(module) == [7]
    assert async_generators(module) == ["f", "contextlib.asynccontextmanager"]


def test_all_rooms_are_judged() -> None:
    assert {module.room or "public" for module in modules()} == set(MAY_IMPORT)
    assert {module.room for module in core()} == set(MAY_IMPORT) - {"public", "_api", "_cli"}
