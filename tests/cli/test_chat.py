from __future__ import annotations

import builtins
import json
from collections.abc import Iterator

import pytest
import torch

from mnemon.cli import chatting
from mnemon.memory import Memory
from mnemon.models.local import Runtime, load
from mnemon.weights import consolidate

ASK = "what is the code for maiposhi ?"
CODE = "x04 x1a x44 xc5"
CHAT = ("chat", "--model", "nano", "--device", "cpu", "--max-new-tokens", "8", "--session", "s")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_adapters_answer_when_asked_for_and_the_trace_says_so(run, store):
    run("add", f"the code for maiposhi is {CODE} .", "--kind", "fact")
    with Memory(store) as memory:
        (made,) = consolidate(memory, *load("nano")).trained
    done = run(*CHAT, "--weights", stdin=f"{ASK}\n/trace\n")
    assert CODE in done.stdout and f"form: weights, adapter {made.key[:16]}: an" in done.stdout
    assert "form: text" in run(*CHAT, stdin=f"{ASK}\n/trace\n").stdout
    assert "no alias 'tried'" in run(*CHAT, "--weights", "tried", "--once", ASK, expect=1).stderr


def test_one_turn_is_answered_and_stored(run, parsed):
    run("add", f"the code for maiposhi is {CODE} .")
    assert run(*CHAT, "--once", ASK).stdout == CODE + "\n"
    told = parsed(run(*CHAT, "--once", ASK, "--json"))
    assert (told["text"], told["session"], told["trace"]["turns"]) == (CODE, "s", 1)
    listed = parsed(run("ls", "--json"))
    assert [one["speaker"] for one in listed] == [None, *["user", "assistant"] * 2]


def test_a_pipe_is_a_turn_a_line(run, store, tmp_path):
    run("add", f"the code for maiposhi is {CODE} .")
    lines = [ASK, "", "/trace", "/recalled", "/what", "/forget", "/quit", ASK]
    done = run(*CHAT, "--kv", str(tmp_path / "kv"), stdin="\n".join(lines))
    assert done.stdout.startswith(f"{CODE}\nform: text: no keys and")
    assert "\nprompt: 22 tokens, 0 past turns in it\n" in done.stdout
    assert f"the code for maiposhi is {CODE} ." in done.stdout
    assert done.stdout.endswith("forgot 2 cubes\n")
    assert "no command /what: try /recalled" in done.stderr
    with Memory(store) as memory:
        assert memory.count() == 1


def test_json_of_a_pipe_is_an_object_a_line(run):
    done = run(*CHAT, "--json", stdin=f"{ASK}\n{ASK}\n")
    assert [json.loads(line)["trace"]["turns"] for line in done.stdout.splitlines()] == [0, 1]


def test_what_cannot_be_is_told(run, tmp_path):
    done = run("chat", "--model", str(tmp_path / "none"), "--once", ASK, expect=2)
    assert "there is no folder" in done.stderr
    assert "reuse='sometimes'" in run(*CHAT, "--reuse", "sometimes", expect=2, stdin="").stderr


class Typed:
    """Lines as a person types them; the end is Ctrl-D, an error is raised."""

    def __init__(self, *lines):
        self._lines = iter(lines)

    def __call__(self, prompt=""):
        line = next(self._lines, EOFError())
        if isinstance(line, BaseException):
            raise line
        return line


@pytest.fixture
def runtime():
    with Memory(":memory:") as memory:
        memory.add(f"the code for maiposhi is {CODE} .")
        yield Runtime(load("nano", device="cpu"), memory, session="s", max_new_tokens=8)


def test_a_person_goes_on_after_a_mistake_and_ends_with_ctrl_d(runtime, monkeypatch, capsys):
    monkeypatch.setattr(builtins, "input", Typed("/forget nothing-like-it", "/help", ASK))
    chatting.interactive(chatting.Talk(runtime, {}, False))
    told = capsys.readouterr()
    assert CODE in told.out and "Error: no id ends in" in told.err
    assert told.err.startswith("session s, :memory:\n") and "/trace" in told.err


def test_ctrl_c_stops_an_answer_and_then_ends(runtime, monkeypatch, capsys):
    feed = runtime.way.feed

    def interrupted(token):
        monkeypatch.setattr(runtime.way, "feed", feed)
        raise KeyboardInterrupt

    monkeypatch.setattr(runtime.way, "feed", interrupted)
    monkeypatch.setattr(builtins, "input", Typed(ASK, "/trace", ASK, KeyboardInterrupt()))
    chatting.interactive(chatting.Talk(runtime, {}, False))
    told = capsys.readouterr()
    assert told.out == f"x04\n{CODE}\n\n"
    assert "stopped; the turn was not stored" in told.err and "nothing was answered" in told.err
    assert runtime.memory.count() == 3


def test_what_a_model_writes_cannot_steer_the_terminal(runtime, monkeypatch, capsys):
    monkeypatch.setattr(runtime.tokenizer, "decode", lambda tokens, **_: "a\x1b[31m" * len(tokens))
    chatting.Talk(runtime, {}, False).say(ASK)
    assert "\x1b" not in capsys.readouterr().out
