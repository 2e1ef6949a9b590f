"""`mnemon schedule`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, ids, layout, options, serial
from mnemon.cli.progress import bar
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.memory import Memory
    from mnemon.schedule import Plan
    from mnemon.schedule.live.carrying import Applied


@click.command("schedule")
@click.option(
    "--model", metavar="PATH_OR_NAME",
    help="The model that cubes are compiled by and facts trained into, as of `mnemon compile`; "
    "without one neither is done.",
)  # fmt: skip
@click.option("--device", help="Where the model computes; as of `mnemon compile`.")
@click.option(
    "--to", metavar="PLACE", help="A folder, or a URL; by default a folder beside the store."
)
@click.option("--remote", metavar="URL", help="A slower place besides (redis://, s3://, …).")
@click.option(
    "--budget", "budgets", multiple=True, metavar="FORM=SIZE",
    help="What the namespace may hold: kv, kv.disk, kv.remote or adapter, as kv=2GB. May be "
    "repeated.",
)  # fmt: skip
@click.option("--keep-budgets", is_flag=True, help="Keep them in the store, also for servers.")
@click.option("--lift-budgets", is_flag=True, help="Delete those that are kept for the namespace.")
@click.option(
    "--decay", default="ebbinghaus", show_default=True,
    help="By which strength fades; `mnemon methods schedule.decay`.",
)  # fmt: skip
@click.option(
    "--floor", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="Retire what has less strength; 0 retires nothing for that.",
)  # fmt: skip
@click.option(
    "--horizon", type=click.FloatRange(0, min_open=True), default=7.0, show_default=True,
    help="Days within which what is built must pay.",
)  # fmt: skip
@click.option("--embedder", metavar="NAME", help="Whose space the store's vectors shall be in.")
@click.option(
    "--measure",
    is_flag=True,
    help="Measure costs here with --model (and those of --remote), and keep them.",
)
@click.option("--explain", is_flag=True, help="Only show what would be done; the default.")
@click.option("--apply", "apply_", is_flag=True, help="Do it.")
@options.as_json
@options.place
def command(
    settings: Settings, model: str | None, device: str | None, budgets: tuple[str, ...],
    keep_budgets: bool, lift_budgets: bool, measure: bool, explain: bool, apply_: bool,
    json_: bool, **more: Any,
) -> None:  # fmt: skip
    """Show what is worth compiling, moving, dropping, and why.

    From how often cubes were used, what each form costs and saves, and budgets. Nothing is done
    without --apply; running it again right after has nothing to do.
    """
    if explain and apply_:
        raise click.UsageError("--explain only shows: leave it out to --apply")
    if measure and model is None:
        raise click.UsageError("--measure needs a --model to measure")
    loaded = None if model is None else _loaded(model, device)
    with settings.here() as memory:
        _stored(memory, budgets, keep_budgets, lift_budgets)
        if measure:
            _measured(memory, loaded, more["remote"], json_)
        found = _planned(memory, loaded, budgets, **more)
        if not json_:
            _show(found)
        done = _applied(settings, found) if apply_ else None
    if json_:
        serial.show({"plan": told(found), "applied": done})
    elif done is not None:
        _tell(done)
    if done is not None and done.left:
        raise click.exceptions.Exit(exits.NOTHING)


def _loaded(model: str, device: str | None) -> Any:
    from mnemon.models.local.loading import load

    return load(Path(model) if Path(model).is_dir() else model, device=device)


def _planned(
    memory: Memory, model: Any, budgets: tuple[str, ...], *, to: str | None, remote: str | None,
    decay: str, floor: float, horizon: float, embedder: str | None,
) -> Plan:  # fmt: skip
    from mnemon.schedule import Rules, plan

    rules = replace(Rules(), decay=decay, floor=floor, horizon=horizon)
    return plan(
        memory, model=model, to=to, remote=remote, budgets=budgets, rules=rules, embedder=embedder
    )


def _stored(memory: Memory, given: tuple[str, ...], keep: bool, lift: bool) -> None:
    if not (keep or lift):
        return
    from mnemon.schedule.live.budgets import parsed
    from mnemon.schedule.live.notes import Notes

    Notes(memory.path).hand_over(memory._store)
    if lift:
        memory._store.remove_budgets(memory.namespace)
    if keep:
        memory._store.set_budgets(parsed(given, memory.namespace))


def _measured(memory: Memory, model: Any, remote: str | None, json_: bool) -> None:
    from mnemon.schedule.forms import forms
    from mnemon.schedule.live.building import at_hand, measure

    costs = measure(at_hand(memory, model), remote)
    if json_:
        return
    rows = [
        (f"{one.form} {one.tier}".strip(), f"{one.bytes:,}", f"{one.waits:.4f}",
         f"{one.saves:.4f}", one.tokens, f"{one.builds:.4f}") for one in forms(costs, 100)
    ]  # fmt: skip
    click.echo(f"100 tokens on {costs.machine}:")
    layout.table(("FORM", "BYTES", "WAITS s", "SAVES s", "TOKENS", "BUILDS s"), rows)
    click.echo()


def _show(found: Plan) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in found.states.items() if count)
    click.echo(f"{found.namespace}: {counts or 'no cubes'}")
    for form, held in found.held.items():
        click.echo(f"{form}: {held:,} bytes now, {found.after[form]:,} after")
    for budget in found.budgets:
        click.echo(f"budget of {budget.namespace}: {budget.form} {budget.bytes:,} bytes")
    for remark in found.remarks:
        click.echo(f"note: {remark}", err=True)
    if not found.decisions:
        click.echo("nothing to do")
        return
    rows = [
        (" ".join(filter(None, (one.action, one.form, one.to))), ids.short(one.cube),
         f"{one.saves:.3f}", f"{one.costs:.3f}", f"{one.bytes:,}", one.reason)
        for one in found.decisions
    ]  # fmt: skip
    layout.table(("WHAT", "CUBE", "SAVES s", "COSTS s", "BYTES", "WHY"), rows)


def _applied(settings: Settings, found: Plan) -> Applied:
    with bar("scheduling") as progress:
        done = found.apply(progress)
    if done.done:
        actions = [one.action for one in done.done]
        settings.tell(
            "schedule", namespace=found.namespace,
            ids=tuple(dict.fromkeys(one.cube for one in done.done if one.cube)),
            detail={name: actions.count(name) for name in dict.fromkeys(actions)},
        )  # fmt: skip
    return done


def _tell(done: Applied) -> None:
    click.echo(f"{layout.counted(len(done.done), 'decision')} carried out, {len(done.left)} not")
    for one, why in done.left:
        click.echo(f"{one.action} {ids.short(one.cube)}: {why}", err=True)


def told(found: Plan) -> dict[str, Any]:
    """A plan as JSON data."""
    names = ("namespace", "decisions", "states", "held", "after", "budgets", "costs", "remarks")
    return {name: getattr(found, name) for name in names}
