"""Forgetting that is verified: what was looked at afterwards, for people and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits
from mnemon.cli.commands import forget as command
from mnemon.wire.plain import plain

if TYPE_CHECKING:
    from mnemon.cube import Receipt
    from mnemon.forgotten import Look
    from mnemon.memory import Memory


def forget(memory: Memory, plan: Receipt, model: str | None, json_: bool) -> None:
    """Carry a planned forgetting out, look in every form, and tell; exits with 1 if any of it is
    left."""
    from mnemon.forgotten import questions, verify

    taken = questions(memory, plan.ids)
    loaded = None if model is None else _loaded(model)  # what fails does so before the forgetting
    receipt = command.carried_out(memory, plan, json_)
    report = verify(memory, receipt, taken, loaded)
    if json_:
        told = {**plain(receipt), "verified": {**plain(report), "clean": report.clean}}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        command.show(receipt, False)
        for look in report.looks:
            click.echo(_line(look))
        if model is not None and report.unasked:
            click.echo(f"asked nothing about {', '.join(report.unasked)}", err=True)
        click.echo("nothing of it was found" if report.clean else "some of it is left")
    if not report.clean:
        raise click.exceptions.Exit(exits.NOTHING)


def _loaded(model: str) -> Any:
    from mnemon.models.local import load

    return load(model)


def _line(look: Look) -> str:
    found = ": " + ", ".join(look.what) if look.what else ""
    nats = "" if look.nats is None else f" (at most {look.nats:.1f} nats a token"
    nats += f", {look.bare:.1f} by the bare base)" if look.bare is not None else ""
    return f"{look.where}: looked at {look.looked}, found {look.found}{nats}{found}"
