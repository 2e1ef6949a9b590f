"""`mnemon retention`."""

from __future__ import annotations

import re
from contextlib import closing

import click

from mnemon import namespace as paths
from mnemon.cli import ids, layout, options, serial
from mnemon.cli.durations import duration
from mnemon.cli.settings import Nothing, Settings
from mnemon.server import retention
from mnemon.store.rows import Rule

_ID = re.compile(r"[0-9a-fA-F-]{4,36}")


@click.group("retention")
def command() -> None:
    """How long namespaces keep cubes, and what is on hold."""


@command.command("set")
@click.argument("prefix", metavar="NAMESPACE")
@click.option("--after", required=True, metavar="DURATION", help="Such as 12h or 90d.")
@click.option("--forget", "action", flag_value="forget", help="Retire; the past keeps them.")
@click.option("--purge", "action", flag_value="purge", help="Leave no byte of them.")
@options.place
def set_(settings: Settings, prefix: str, after: str, action: str | None) -> None:
    """Let cubes of NAMESPACE, and below it, go so long after their newest version was recorded.

    A rule of a longer path counts instead of it there.
    """
    if action is None:
        raise click.UsageError("say what happens then: --forget or --purge")
    rule = Rule(paths.check(prefix), int(duration(after).total_seconds()), action == "purge")
    with closing(settings.opened()) as store:
        store.set_rule(rule)
    detail = {"seconds": rule.seconds, "purge": rule.purge}
    settings.tell("retention-set", namespace=rule.namespace, detail=detail)
    click.echo(f"{rule.namespace}: {_does(rule)}")


@command.command("list")
@options.as_json
@options.place
def list_(settings: Settings, json_: bool) -> None:
    """List rules and holds."""
    with closing(settings.opened()) as store:
        rules, holds = store.rules(), store.holds()
    if json_:
        serial.show({"rules": rules, "holds": holds})
        return
    for rule in rules:
        click.echo(f"{rule.namespace}: {_does(rule)}")
    for hold in holds:
        click.echo(f"{hold.what}: on hold since {layout.minute(hold.since)}")


@command.command("remove")
@click.argument("prefix", metavar="NAMESPACE")
@options.place
def remove(settings: Settings, prefix: str) -> None:
    """Lift the rule of NAMESPACE."""
    path = paths.check(prefix)
    with closing(settings.opened()) as store:
        if not store.remove_rule(path):
            raise Nothing(f"namespace {path!r} has no rule: `mnemon retention list` shows them")
    settings.tell("retention-remove", namespace=path)
    click.echo(f"{path}: no rule")


@command.command("hold")
@click.argument("what", metavar="NAMESPACE|ID")
@options.place
def hold(settings: Settings, what: str) -> None:
    """Keep a cube, or a namespace with all below it: nothing forgets them until they are released.

    An ID may be its end, if the namespace of --namespace has such a cube; a namespace is meant
    otherwise.
    """
    meant = _meant(settings, what)
    with closing(settings.opened()) as store:
        store.hold(meant)
    _tell(settings, "hold", meant)
    click.echo(f"{meant}: on hold")


@command.command("release")
@click.argument("what", metavar="NAMESPACE|ID")
@options.place
def release(settings: Settings, what: str) -> None:
    """End a hold."""
    meant = _meant(settings, what)
    with closing(settings.opened()) as store:
        if not store.release(meant):
            raise Nothing(f"{meant!r} is not on hold: `mnemon retention list` shows what is")
    _tell(settings, "release", meant)
    click.echo(f"{meant}: released")


@command.command("run")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@options.as_json
@options.place
def run(settings: Settings, dry_run: bool, json_: bool) -> None:
    """Carry out the rules now; a server does so by itself."""
    settings.opened().close()
    done = retention.run(settings.own, dry_run=dry_run)
    if json_:
        serial.show(done)
        return
    for one in done:
        done_, planned = ("purged", "would purge") if one.purge else ("forgot", "would forget")
        verb = planned if dry_run else done_
        click.echo(
            f"{one.namespace}: {verb} {layout.counted(one.cubes, 'cube')}, {one.on_hold} on hold"
        )


def _meant(settings: Settings, what: str) -> str:
    if _ID.fullmatch(what) and not what.isalpha():
        with settings.here() as memory:
            if len(what) == 36:
                return what.lower()
            if memory.find(what):
                return ids.resolve(memory, what)
    return paths.check(what)


def _tell(settings: Settings, verb: str, meant: str) -> None:
    is_id = len(meant) == 36 and _ID.fullmatch(meant) is not None
    cube, place = ((meant,), None) if is_id else ((), meant)
    settings.tell(verb, ids=cube, namespace=place)


def _does(rule: Rule) -> str:
    hours = rule.seconds / 3600
    span = f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours"
    return f"{'purge' if rule.purge else 'forget'} after {span}"
