"""Real processes: what a shell sees."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mnemon import Memory

SOURCE = Path(__file__).parents[2] / "src"
COMMAND = [sys.executable, "-W", "error", "-m", "mnemon"]


@pytest.fixture
def filled(store):
    """The store with one cube, added without a process of its own."""
    with Memory(store) as memory:
        memory.add("x y z")


@pytest.fixture
def environment(store):
    return os.environ | {"PYTHONPATH": str(SOURCE), "MNEMON_STORE": str(store)}


@pytest.fixture
def shell(environment):
    def call(*args, stdin=""):
        return subprocess.run(
            [*COMMAND, *args], input=stdin, env=environment, capture_output=True, text=True
        )

    return call


def test_add_by_a_pipe_then_search(shell):
    assert shell("add", stdin="Ana moved to Lisbon.\n").returncode == 0
    found = shell("search", "Where is Ana?")
    assert found.returncode == 0 and "Lisbon" in found.stdout and found.stderr == ""


@pytest.mark.parametrize(
    ("args", "code"),
    [(["search", "x"], 1), (["serch"], 2), (["add", ""], 2), (["--store", "/", "add", "x"], 3)],
)
def test_exit_codes_without_traceback(shell, args, code):
    done = shell(*args)
    assert done.returncode == code
    assert done.stdout == "" and "Error" in done.stderr and "Traceback" not in done.stderr


def test_closed_streams_are_no_trouble(filled, shell, environment):
    for command in ("ls >&-", "search x 2>&-", "add <&-"):
        line = f"{' '.join(COMMAND)} {command}"
        done = subprocess.run(line, shell=True, env=environment, capture_output=True, text=True)
        assert "Traceback" not in done.stderr, command
    assert shell("fsck").returncode == 0


def test_a_reader_who_goes_away(store, environment):
    with Memory(store) as memory:
        memory.add(["word"] * 3000)
    with subprocess.Popen(
        [*COMMAND, "ls", "--limit", "3000"], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_interrupted(filled, environment):
    with subprocess.Popen(
        [*COMMAND, "log", "--follow"], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 130


def test_help_and_search_load_neither_rich_nor_too_much():
    code = (
        "import sys; from mnemon.cli.app import mnemon\n"
        "try: mnemon(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'rich', 'numpy', 'mnemon.memory'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0


def test_search_does_not_load_rich(filled, environment):
    code = (
        "import sys; from mnemon.cli.app import mnemon\n"
        "try: mnemon(['search', 'x'])\n"
        "except SystemExit: pass\n"
        "sys.exit('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.returncode == 0
