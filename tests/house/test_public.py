"""What users see: exported names and their docstrings, the version, the examples."""

import importlib
import importlib.metadata
import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import smartclient
from source_tree import PACKAGE, ROOT

PUBLIC_MODULES = sorted(f"smartclient.{path.stem}" for path in PACKAGE.glob("[!_]*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def exported(module_name: str) -> list[tuple[str, object]]:
    module = importlib.import_module(module_name)
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    return [(name, getattr(module, name)) for name in names]


def undocumented(name: str, value: object) -> list[str]:
    """Names of `value`, and of its public methods and properties, that have no docstring of their own or inherited."""
    if not callable(value):
        return []
    bare = [] if inspect.getdoc(value) else [name]
    if isinstance(value, type) and value.__module__.startswith("smartclient"):
        members = [(key, member) for key, member in vars(value).items() if not key.startswith("_")]
        bare += [
            f"{name}.{key}"
            for key, member in members
            if (inspect.isroutine(member) or isinstance(member, property))
            and not inspect.getdoc(getattr(value, key, member))
        ]
    return bare


@pytest.mark.parametrize("module_name", ["smartclient", *PUBLIC_MODULES])
def test_every_exported_name_is_documented(module_name: str) -> None:
    assert [each for name, value in exported(module_name) for each in undocumented(name, value)] == []


def test_dir_lists_the_exported_names() -> None:
    assert set(smartclient.__all__) <= set(dir(smartclient))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        smartclient.no_such_name  # noqa: B018


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    place = ROOT / project["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{smartclient.__version__}"' in place.read_text()


def test_installed_version() -> None:
    try:
        installed = importlib.metadata.version("smartclient")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("smartclient is imported from its source without being installed")
    assert installed == smartclient.__version__


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
