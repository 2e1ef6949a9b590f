"""`mnemon demo`."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from mnemon.cli import exits, layout, options
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.cli.questions import Question
    from mnemon.cli.trial import Score
    from mnemon.memory import Memory

_SURVEYED = 5000


@click.command("demo")
@click.option(
    "--data", type=click.Path(path_type=Path),
    help="A history to load instead of the bundled conversation; LoCoMo brings its questions.",
)  # fmt: skip
@click.option("--sample", metavar="ID", help="Which conversation of a LoCoMo file.")
@click.option("--ask", multiple=True, metavar="TEXT", help="Ask this instead; may be repeated.")
@click.option("-k", type=click.IntRange(1), default=3, show_default=True, help="Lines to show.")
@click.option("--keep", is_flag=True, help="Load into the store, not into memory that is dropped.")
@options.program
@options.place
def command(
    settings: Settings, data: Path | None, sample: str | None,
    ask: tuple[str, ...], k: int, keep: bool,
) -> None:  # fmt: skip
    """Load a conversation, ask about it, show what is recalled.

    Lines marked ✓ are those known to hold the answer. No language model takes part.
    """
    path, format, given, questions = _chosen(data, sample, ask)
    with _memory(settings, keep) as memory:
        started = time.perf_counter()
        report = memory.import_(path, format, **given)
        loading = (time.perf_counter() - started) * 1000
        if not (report.added or report.known):
            click.echo(f"nothing in {path} could be used", err=True)
            raise click.exceptions.Exit(exits.NOTHING)
        _introduce(memory, path, loading)
        score = _asked(memory, questions, k)
        _totals(memory, score, loading)
        _next(settings if keep else None, data)


def _chosen(
    data: Path | None, sample: str | None, ask: tuple[str, ...]
) -> tuple[Path, str, dict[str, str], list[Question]]:
    from mnemon.cli import questions
    from mnemon.importers._detect import detect
    from mnemon.sample import CONVERSATION

    path = CONVERSATION if data is None else data
    format = "jsonl" if data is None else detect(path)
    if sample is not None and format != "locomo":
        raise click.UsageError("--sample is for LoCoMo files")
    known = questions.bundled() if data is None else []
    given = {}
    if format == "locomo" and path.suffix == ".json":
        given["sample"], known = questions.locomo(path, sample)
    return path, format, given, [questions.Question(text) for text in ask] or known


def _memory(settings: Settings, keep: bool) -> Memory:
    if keep:
        return settings.memory()._prepared()
    from mnemon.memory import Memory

    return Memory(":memory:", namespace="demo", program=settings.known_program())._prepared()


def _introduce(memory: Memory, path: Path, loading: float) -> None:
    cubes = memory.list(limit=_SURVEYED)
    speakers = sorted({cube.speaker for cube in cubes if cube.speaker})
    who = " and ".join(speakers) if len(speakers) < 4 else f"{len(speakers)} speakers"
    first, last = min(cube.valid_from for cube in cubes), max(cube.valid_from for cube in cubes)
    told = (
        f"{layout.counted(memory.count(), 'turn')} of {who or path.name}, {layout.day(first)} to "
        f"{layout.day(last)}, loaded in {loading:.0f} ms. No language model takes part: what you "
        "see was found by words and by meaning. Each line has its score, day, speaker, the end of "
        "its id, and why it was found."
    )
    click.echo("\n".join(layout.wrap(told, layout.columns())))


def _asked(memory: Memory, questions: list[Question], k: int) -> Score:
    from mnemon.cli import trial

    score = trial.Score()
    for number, question in enumerate(questions, start=1):
        trial.ask(memory, question, f"{number}/{len(questions)}", k, score)
    return score


def _totals(memory: Memory, score: Score, loading: float) -> None:
    from mnemon.cli.trial import BUDGET, mark

    if not score.milliseconds:
        click.echo("\nThis history brings no questions: ask your own.")
        return
    click.echo()
    click.secho("In all", bold=True)
    click.echo(f"  {layout.counted(memory.count(), 'turn')} loaded in {loading:.0f} ms")
    half = median(score.milliseconds)
    click.echo(
        f"  {layout.counted(len(score.milliseconds), 'question')}, recall in {half:.1f} ms (median)"
    )
    if score.known:
        counts = f"all of it for {score.whole}, some for {score.partly}, none for {score.missed}"
        click.echo(
            f"  evidence {mark()} of {score.known} questions, recalled within {BUDGET} tokens:"
        )
        click.echo(f"  {counts}")
    if score.unanswerable:
        told = f"{score.unanswerable} asked about what was never said: see its scores"
        click.echo(f"  {told}")


def _next(kept: Settings | None, data: Path | None) -> None:
    again = "mnemon demo" + (f" --data {data}" if data else "")
    ask = f'{again} --ask "…"' if kept is None else 'mnemon search "…"'
    click.echo()
    click.secho("Now yours", bold=True)
    for does, typed in (
        ("ask this conversation something of your own", ask),
        ("load a history of yours: ChatGPT, Claude, Slack, WhatsApp, notes", "mnemon import PATH"),
        ("what a prompt needs, under a budget of tokens", 'mnemon recall "…" --budget 500'),
    ):
        click.echo(f"  {does}:\n    {typed}")
