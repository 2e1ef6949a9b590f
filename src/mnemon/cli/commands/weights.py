"""`mnemon weights`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import click

from mnemon import namespace as paths
from mnemon.cli import exits, layout, options, serial
from mnemon.cli.progress import bar
from mnemon.cli.settings import Nothing, Settings
from mnemon.compiling import withholding
from mnemon.models.endpoint import OPENAI
from mnemon.store.rows import Promotion
from mnemon.weights.promotion import alias as aliases

_TOLD = 12


@click.group("weights")
def command() -> None:
    """Which adapters answer, what facts teach, what is withheld."""


@command.command("list")
@options.as_json
@options.place
def list_(settings: Settings, json_: bool) -> None:
    """List where aliases point, and what is withheld, in the whole store."""
    with closing(settings.opened()) as store:
        held, spaces = store.withheld(), [path for path, _ in store.namespaces(None)]
        told = [one for path in spaces for one in store.promotions(path) if one.namespace == path]
    pasts: dict[tuple[str, str, str], list[Promotion]] = {}
    for one in told:
        pasts.setdefault((one.namespace, one.alias, one.model), []).append(one)
    standing = [line for past in pasts.values() if (line := aliases.standing(past))]
    if json_:
        serial.show({"aliases": standing, "withheld": held})
        return
    for line in standing:
        click.echo(f"{line.namespace}: {_points(line)}")
    for rule in held:
        click.echo(f"{rule.namespace}: withheld since {layout.minute(rule.since)}")


@command.command("history")
@click.argument("alias", default=aliases.CURRENT)
@options.as_json
@options.place
def history(settings: Settings, alias: str, json_: bool) -> None:
    """Show what was done to ALIAS, by whom, why, and by which figures."""
    with settings.here() as memory:
        found = aliases.history(memory, alias)
    if json_:
        serial.show(found)
    for one in () if json_ else found:
        when = "" if one.at is None else layout.minute(one.at)
        click.echo(f"{when}  {one.action} by {one.actor}: {_points(one)}; {one.why or 'no reason'}")
        for check in one.figures.get("checks", ()):
            click.echo(f"    {_figure(check)}")
    if not found:
        raise click.exceptions.Exit(exits.NOTHING)


@command.command("rollback")
@click.argument("alias", default=aliases.CURRENT)
@click.option("--model", metavar="DIGEST", help="Of which base, if the alias is of several.")
@click.option("--why", default="by hand", show_default=True, help="For its history.")
@options.place
def rollback(settings: Settings, alias: str, model: str | None, why: str) -> None:
    """Point ALIAS at what was promoted before, or stop its canary."""
    with settings.here() as memory:
        line = aliases.rollback(memory, alias, model=model, why=why)
    click.echo(f"{line.namespace}: {_points(line)}")


@command.command("teach")
@click.option("--model", required=True, metavar="NAME", help="As the endpoint names it.")
@click.option("--base-url", default=OPENAI, show_default=True, metavar="URL", help="Up to /v1.")
@click.option("--kind", "kinds", multiple=True, default=("fact",), show_default=True)
@click.option("--all", "everything", is_flag=True, help="Also facts whose form is known.")
@options.as_json
@options.place
def teach(
    settings: Settings, model: str, base_url: str, kinds: tuple[str, ...], everything: bool,
    json_: bool,
) -> None:  # fmt: skip
    """Have a language model note in facts' metadata what they tell.

    Facts are sent to the endpoint, with the key of OPENAI_API_KEY if there is one. Not those that
    must not become weights.
    """
    from mnemon.models.completing import ChatModel
    from mnemon.weights.teaching import teach

    with settings.here() as memory, bar("reading") as progress:
        complete = ChatModel(model, base_url)
        told = teach(memory, complete, kind=kinds, everything=everything, progress=progress)
    if json_:
        serial.show(told)
        return
    counted = layout.counted(len(told.noted), "fact")
    click.echo(f"{counted} noted, {len(told.refused)} refused, {len(told.withheld)} withheld")
    for id, why in told.refused.items():
        click.echo(f"  {id}  {why}")


@command.command("withhold")
@click.argument("prefix", metavar="NAMESPACE")
@options.place
def withhold(settings: Settings, prefix: str) -> None:
    """Let nothing of NAMESPACE, and below it, become weights.

    What any of its cubes has gone into is dropped.
    """
    path = paths.check(prefix)
    with closing(settings.opened()) as store:
        gone = withholding.withhold(store, path)
    detail = {"dropped": gone}
    settings.tell("weights-withhold", namespace=path, detail=detail)
    click.echo(f"{path}: withheld from weights; {layout.counted(gone, 'artifact')} dropped")


@command.command("allow")
@click.argument("prefix", metavar="NAMESPACE")
@options.place
def allow(settings: Settings, prefix: str) -> None:
    """Let cubes of NAMESPACE become weights again."""
    path = paths.check(prefix)
    with closing(settings.opened()) as store:
        if not store.allow(path):
            raise Nothing(
                f"namespace {path!r} is not withheld: `mnemon weights list` shows what is"
            )
    settings.tell("weights-allow", namespace=path)
    click.echo(f"{path}: no longer withheld")


def _points(one: Promotion) -> str:
    told = f"{one.alias} of {one.model[:_TOLD]} points at"
    tried = f", and tries {len(one.candidate)}" if one.action == aliases.CANARY else ""
    return f"{told} {layout.counted(len(one.members), 'adapter')}{tried}"


def _figure(check: Mapping[str, Any]) -> str:
    if check["figure"] is None:
        return f"{check['name']}: nothing to ask"
    told = f"{check['name']}: {check['figure']:.3g}"
    if check["limit"] is None:
        return f"{told} (no limit)"
    return f"{told} (limit {check['limit']:g}) {'passed' if check['passed'] else 'FAILED'}"
