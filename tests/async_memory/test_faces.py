"""Both faces have the same calls, with the same parameters and types."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from mnemon import AsyncMemory, Memory
from mnemon.artifacts import Artifacts
from mnemon.async_memory import AsyncArtifacts, AsyncJobs, Options
from mnemon.errors import MissingExtra
from mnemon.jobs import Jobs


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("face", "subject"), [(AsyncMemory, Memory), (AsyncJobs, Jobs), (AsyncArtifacts, Artifacts)]
)
def test_both_faces_have_the_same_calls(face, subject):
    own = {"namespace", "actor", "artifacts"} if face is AsyncMemory else set()
    assert public(face) - own == public(subject)
    for name in public(subject):
        mine, theirs = getattr(face, name), getattr(subject, name)
        if isinstance(theirs, property):
            assert isinstance(mine, property), name
        elif name not in ("dump", "acting", "cube"):
            assert inspect.iscoroutinefunction(mine), name
            assert mine.__doc__, name
        if name != "add" and callable(theirs):
            mine, theirs = inspect.signature(mine), inspect.signature(theirs)
            assert mine.parameters == theirs.parameters, name
    given = set(inspect.signature(Memory.__init__).parameters) - {"self", "path"}
    assert set(Options.__annotations__) == given


def test_the_types_are_those_of_memory(tmp_path):
    code = tmp_path / "typed.py"
    code.write_text(
        "from mnemon import AsyncMemory\n"
        "async def main() -> None:\n"
        "    async with AsyncMemory('x', namespace='a') as memory:\n"
        "        reveal_type(await memory.search('x', 3, explain=True))\n"
        "        reveal_type(await memory.add(['x']))\n"
        "        reveal_type(await memory.add('x'))\n"
        "        reveal_type((await memory.jobs.import_('x', limit=3)).result)\n"
        "        async for line in memory.dump():\n"
        "            reveal_type(line)\n"
        "        await memory.search(3)\n"
        "        await memory.recall('x', colour='red')\n"
        "        await memory.get()\n"
        "        AsyncMemory('x', colour='red')\n"
    )
    root = Path(__file__).parents[2]
    options = tmp_path / "mypy.ini"  # what takes long to read says nothing of these calls
    options.write_text(
        f"[mypy]\nstrict = True\nmypy_path = {root / 'src'}\n"
        "[mypy-torch.*,transformers.*,safetensors.*,numpy.*]\nfollow_imports = skip\n"
        "follow_imports_for_stubs = True\n"
        "[mypy-mnemon.*]\nignore_errors = True\n"
    )
    cache = root / ".mypy_cache" / "faces"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", options, "--cache-dir", cache, code],
        capture_output=True, text=True, cwd=root,
    )  # fmt: skip
    said = [line.partition(": ")[2] for line in checked.stdout.splitlines()]
    types = ("list[mnemon.cube.Hit]", "list[mnemon.cube.MemCube]", "mnemon.cube.MemCube",
             "mnemon.portable.ImportReport | None", "bytes")  # fmt: skip
    assert said[:5] == [f'note: Revealed type is "{one}"' for one in types]
    assert [line[-11:].strip("[ ]") for line in said[5:9]] == ["arg-type", "call-arg"] + [
        "call-arg"
    ] * 2


def test_it_costs_nothing_before_it_is_asked_for():
    code = (
        "import sys, mnemon; from mnemon import AsyncMemory; import threading;"
        "print([name for name in ('httpx2', 'tenacity', 'numpy', 'mnemon.client')"
        " if name in sys.modules], threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] 1"


def test_without_the_extra_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtra, match=r"mnemon\[client\]"):
        AsyncMemory("http://127.0.0.1:9")
