"""Options that several commands share, as decorators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mnemon.cli.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    # The same options stand before the command too; after it they win.
    if value is not None:
        setattr(ctx.ensure_object(Settings), str(param.name), value)


def place(command: F) -> F:
    """`--store` and `-n/--namespace`, and the Settings as the first argument."""
    command = click.pass_obj(command)  # type: ignore[assignment]
    command = click.option(
        "-n", "--namespace", metavar="NAME", expose_value=False, callback=_remember,
        help="Where to work; see `mnemon --help`.",
    )(command)  # fmt: skip
    return click.option(
        "--store", metavar="PATH", expose_value=False, callback=_remember,
        help="The store; see `mnemon --help`.",
    )(command)  # fmt: skip


api_key = click.option(
    "--api-key", metavar="KEY", expose_value=False, callback=_remember,
    help="The key, for a server that asks; see `mnemon --help`.",
)  # fmt: skip
program = click.option(
    "--program", metavar="NAME", expose_value=False, callback=_remember,
    help="How to search; see `mnemon --help`.",
)  # fmt: skip
embedder = click.option(
    "--embedder", metavar="NAME", expose_value=False, callback=_remember,
    help="What embeds in a store without vectors yet: one that `mnemon methods models.embed` "
    "lists, by default context. `mnemon reindex` moves a store that has some.",
)  # fmt: skip


def as_json(command: F) -> F:
    """`--json`, as the argument `json_`."""
    return click.option("--json", "json_", is_flag=True, help="Print JSON.")(command)


out = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False),
    help="Save record and report in this folder.",
)  # fmt: skip
base_device = click.option(
    "--device", default="cpu", show_default=True, metavar="NAME",
    help="Where the model is trained, as cuda.",
)  # fmt: skip
dtype = click.option(
    "--dtype", type=click.Choice(("bfloat16", "float16", "float32")),
    help="Of the model's weights; by default float32 on the CPU, else bfloat16.",
)  # fmt: skip
seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
kind = click.option("--kind", multiple=True, help="Only this kind of cube; may be repeated.")
speaker = click.option("--speaker", help="Only what this one said.")
session = click.option("--session", help="Only this conversation.")
since = click.option("--since", metavar="TIME", help="Only what was true from this time on.")
until = click.option("--until", metavar="TIME", help="Only what was true before this time.")
as_of = click.option("--as-of", metavar="TIME", help="The memory as it was at this moment.")
asked_at = click.option(
    "--at", metavar="TIME", help='When it is asked, for "last week" and the like; default: now.'
)
min_score = click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="Leave out what scores less.",
)  # fmt: skip
meta = click.option(
    "--meta", "metadata", multiple=True, metavar="KEY=VALUE",
    help="Metadata; a value that is JSON is read as JSON. May be repeated.",
)  # fmt: skip
method_options = click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE",
    help="An option of the method; may be repeated. `mnemon methods SLOT` lists them.",
)  # fmt: skip


def filters(command: F) -> F:
    """`--kind --speaker --session --since --until`."""
    for option in (until, since, session, speaker, kind):
        command = option(command)
    return command
