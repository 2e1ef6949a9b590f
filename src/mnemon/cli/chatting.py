"""Chatting: lines of a person or a pipe → turns, and commands about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import hits, ids, layout
from mnemon.errors import MnemonError
from mnemon.wire.plain import plain

if TYPE_CHECKING:
    from mnemon.models.local import Reply, Runtime
    from mnemon.models.local.trace import Trace

_PROMPT = "> "


class Talk:
    """One conversation on the command line."""

    def __init__(self, runtime: Runtime, sampling: Mapping[str, Any], json_: bool) -> None:
        self._runtime, self._sampling, self._json = runtime, sampling, json_
        self._last: Reply | None = None
        self._commands: Mapping[str, Callable[[list[str]], None]] = {
            "/recalled": lambda _: self._recalled(),
            "/trace": lambda _: self._trace(),
            "/forget": self._forget,
            "/help": lambda _: self.help(),
        }

    def line(self, text: str) -> bool:
        """Take a line: a command or something said; whether the conversation goes on."""
        name, *rest = text.split() or [""]
        if name in ("/quit", "/exit"):
            return False
        if name in self._commands:
            self._commands[name](rest)
        elif name.startswith("/") and name[1:].isalpha():
            click.echo(f"there is no command {name}: try {self._names()}", err=True)
        elif name:
            self.say(text)
        return True

    def say(self, text: str) -> None:
        """One turn; the answer is printed as it is made."""
        stream = self._runtime.stream(text, **self._sampling)
        try:
            for piece in stream:
                if not self._json:
                    click.echo(layout.safe(piece), nl=False)
        except BaseException:
            stream.close()
            raise
        finally:
            if not self._json:
                click.echo()
        self._last = stream.reply
        if self._json:
            told = {"session": self._runtime.session_name, **plain(self._last)}
            click.echo(json.dumps(told, ensure_ascii=False))

    def help(self) -> None:
        """Name the commands."""
        click.echo(f"{self._names()}, /quit; `mnemon chat --help` tells more", err=True)

    def introduce(self) -> None:
        """Say where one is."""
        click.echo(f"session {self._runtime.session_name}, {self._runtime.memory.path}", err=True)
        self.help()

    def _names(self) -> str:
        return ", ".join(self._commands)

    def _recalled(self) -> None:
        found = () if self._last is None else self._last.hits
        for hit in found:
            hits.show(hit)
        if not found:
            click.echo("nothing new was recalled", err=True)

    def _trace(self) -> None:
        if self._last is None:
            click.echo("nothing was answered yet", err=True)
            return
        for line in told(self._last.trace):
            click.echo(line)

    def _forget(self, typed: list[str]) -> None:
        memory = self._runtime.memory
        turn = () if self._last is None else (self._last.question, self._last.answer)
        wanted = ids.resolve_all(memory, typed) if typed else [id for id in turn if id]
        if not wanted:
            click.echo("say what to forget: /forget ID", err=True)
            return
        receipt = memory.forget(wanted)
        self._runtime.rest()
        click.echo(f"forgot {layout.counted(receipt.cubes, 'cube')}")


def told(trace: Trace) -> list[str]:
    """A trace for people."""
    reused = ", ".join(f"{count} from {place}" for place, count in trace.reused.items())
    past = f"{layout.counted(trace.turns, 'past turn')} in it"
    past += f", {trace.dropped} had no room" if trace.dropped else ""
    past += f", {trace.left_out} made from what changed since" if trace.left_out else ""
    worn = f", adapter {trace.adapter[:16]}" if trace.adapter else ""
    spared = f", {trace.spared} spared" if trace.spared else ""
    lines = [
        f"form: {trace.form}{worn}: {trace.why}",
        f"prompt: {trace.prompt} tokens{spared}, {past}",
        f"keys and values: {reused or 'none reused'}, {trace.computed} computed",
        f"recalled: {len(trace.recalled)} new, {trace.there} were there, {trace.stale} stale",
        f"answer: {trace.generated} tokens, the first after {trace.seconds_to_first:.2f} s,"
        f" then {trace.tokens_per_second:.0f} a second",
    ]
    if trace.recomputed:
        lines.append(f"blended: {trace.recomputed} tokens of recalled cubes computed again")
    if trace.difference is not None:
        lines.append(f"verified: a logit differs by {trace.difference:.2g} at most")
    return lines


def piped(talk: Talk, lines: Iterable[str]) -> None:
    """Take lines until they end."""
    for line in lines:
        if not talk.line(line.strip()):
            return


def interactive(talk: Talk) -> None:
    """Ask for lines until there are no more; what goes wrong in one does not end it."""
    with suppress(ImportError):
        import readline  # noqa: F401  # its import lets lines be edited
    talk.introduce()
    while True:
        try:
            line = input(_PROMPT)
        except (EOFError, KeyboardInterrupt):
            click.echo()
            return
        try:
            if not talk.line(line.strip()):
                return
        except KeyboardInterrupt:
            click.echo("stopped; the turn was not stored", err=True)
        except MnemonError as error:
            click.echo(f"Error: {error}", err=True)
