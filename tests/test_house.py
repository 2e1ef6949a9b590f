"""The house rules, as tests: imports, sizes, documents."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import mnemon
from mnemon import methods

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "mnemon"
FILES = sorted(SOURCE.rglob("*.py"))

# Who may import whom: a room may use the rooms on its own line and on the lines above it.
FLOORS = (
    {"errors", "stages"},
    {"cube", "job", "namespace", "instant", "identity", "analysis", "blas"},
    {"methods"},
    {"store", "models"},
    {"text", "kv", "weights", "importers", "sample"},
    {"places", "watching"},
    {"removal"},
    {"intake", "assembly", "choosing", "embedding", "artifacts", "portable", "portable_records"},
    {"portable_artifacts"},
    {"wire", "awaiting"},
    {"recording", "searching", "forgetting", "rollback", "reindexing", "reflection", "histories"},
    {"compiling", "persons"},
    {"cubes"},
    {"memory", "client", "jobs", "gathering", "schedule"},
    {"async_memory", "standing"},
    {"models.local"},
    {"forgotten"},
    {"bench", "integrations", "server"},
    {"cli"},
)


def _room(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    if parts[:2] == ("models", "local"):
        return "models.local"  # it composes memory and kv, which stand above other models
    return parts[0].removesuffix(".py")


def _imports(nodes: Iterable[ast.AST]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "mnemon":
                names = [f"mnemon.{alias.name}" for alias in node.names]
            found.update(names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in found if name.startswith("mnemon.")}


def _run_time_imports(path: Path) -> set[str]:
    for_types = {
        inside
        for node in _nodes(path)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inside in ast.walk(statement)
    }
    return _imports(node for node in _nodes(path) if node not in for_types)


@functools.cache
def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


@functools.cache
def _nodes(path: Path) -> list[ast.AST]:
    """Statements and handlers, however deep. No expression holds one, and most nodes are those."""
    nodes: list[ast.AST] = [ast.parse("\n".join(_lines(path)))]
    for node in nodes:
        inside = ast.iter_child_nodes(node)
        nodes += [n for n in inside if isinstance(n, ast.stmt | ast.excepthandler | ast.match_case)]
    return nodes


def test_imports_go_one_way() -> None:
    wrong = []
    for path in FILES:
        room = _room(path)
        if room in ("__init__", "__main__"):
            continue
        floor = next(i for i, rooms in enumerate(FLOORS) if room in rooms)
        used = _run_time_imports(path) - {"__version__"}
        if above := used - set().union(*FLOORS[: floor + 1]):
            wrong.append(f"{path.relative_to(SOURCE)}: {room} may not import {above}")
    assert wrong == []


def test_files_and_functions_are_small() -> None:
    wrong = []
    for path in FILES:
        limit = 620 if path.name == "memory.py" else 340
        if (lines := len(_lines(path))) > limit:
            wrong.append(f"{path.relative_to(SOURCE)} has {lines} lines")
        for node in _nodes(path):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.body[0].lineno
                if length > 45:
                    wrong.append(f"{path.relative_to(SOURCE)}: {node.name} has {length} lines")
    assert wrong == []


def test_every_broad_handler_raises_again_or_says_why() -> None:
    for path in FILES:
        lines = _lines(path)
        for node in _nodes(path):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = "" if node.type is None else ast.unparse(node.type)
            if caught in ("", "Exception", "BaseException"):
                again = any(isinstance(inside, ast.Raise) for inside in ast.walk(node))
                assert again or "#" in lines[node.lineno - 1], f"{path}:{node.lineno}"


def test_importing_is_cheap_and_needs_neither_numpy_nor_torch() -> None:
    code = (
        "import sys, mnemon; before = set(sys.modules); from mnemon import Memory; "
        "print(*[name for name in ('numpy', 'torch', 'rich', 'click', 'tokenizers', 'sqlite3')"
        " if name in before], '|',"
        " *[name for name in ('numpy', 'torch', 'tokenizers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["|"]


def test_importing_starts_nothing(tmp_path: Path) -> None:
    code = (
        "import threading, os, mnemon.memory, mnemon.cli; "
        "print(threading.active_count(), os.listdir('.'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "1 []"


def test_public_names_are_all_there() -> None:
    assert all(getattr(mnemon, name) is not None for name in mnemon.__all__)
    assert sorted(mnemon.__all__) == dir(mnemon)


@pytest.mark.parametrize("slot", methods.slots())
def test_every_method_file_exports_one_documented_frozen_class(slot: str) -> None:
    for name in methods.names(slot):
        found = methods.find(slot, name)
        assert found.__doc__ and sys.modules[found.__module__].__doc__
        assert found.__dataclass_params__.frozen, f"{slot}/{name} can be changed"


def test_no_more_than_eight_core_dependencies_each_justified() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    core = re.search(r"^dependencies = \[(.*?)\]", project, re.S | re.M)
    assert core is not None
    names = re.findall(r'"([A-Za-z]+)', core.group(1))
    told = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    assert len(names) <= 8
    assert all(f"`{name}`" in told for name in names)


def test_the_test_command_pins_every_dependency() -> None:
    pinned = (ROOT / "constraints.txt").read_text("utf-8").lower()
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    wanted = re.findall(r'^    "([A-Za-z_-]+)[>"=]', project, re.M)
    assert [name for name in wanted if f"{name.lower()}==" not in pinned] == []


def test_documents_name_every_method_and_every_call() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in sorted((ROOT / "docs").rglob("*.md")))
    for slot in methods.slots():
        assert f"`{slot}`" in pages, f"the docs do not mention the slot {slot}"
        missing = [name for name in methods.names(slot) if f"`{name}`" not in pages]
        assert not missing, f"the docs do not mention {slot}: {missing}"
    calls = [name for name in vars(mnemon.Memory) if not name.startswith("_")]
    assert [name for name in calls if f"`{name}" not in pages] == []
