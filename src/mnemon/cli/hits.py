"""Showing a hit: score, day, speaker, id; the text; why it was found."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mnemon.cli import layout
from mnemon.cli.ids import short
from mnemon.cube import Hit, Reason

_MARGIN = 6


def show(hit: Hit, *, mark: str = " ") -> None:
    """Print a hit; `mark` stands before its score."""
    cube = hit.cube
    head = [
        click.style(f"{hit.score:.2f}", bold=True),
        layout.day(cube.valid_from),
        click.style(layout.line(cube.speaker), fg="cyan") if cube.speaker else "",
        cube.kind if cube.kind != "episode" else "",
        click.style(short(cube.id), dim=True),
    ]
    click.echo(f"{mark} " + "  ".join(part for part in head if part))
    click.echo(layout.indented(cube.content, _MARGIN))
    for told in why(hit.why):
        click.echo(click.style(layout.indented(told, _MARGIN), dim=True))


def why(reasons: Sequence[Reason]) -> list[str]:
    """Lines: the channels that found a hit, with the rank each gave, in one; or what `explain` told
    of each, in one each."""
    if not any(reason.detail for reason in reasons):
        found = "; ".join(f"{reason.channel} #{reason.rank}" for reason in reasons)
        return [found] if found else []
    return [
        f"{reason.channel} #{reason.rank}" + (f", {reason.detail}" if reason.detail else "")
        for reason in reasons
    ]
