"""One question of `mnemon demo`: asking it, telling what was found, and adding up."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from mnemon.cli import hits, layout
from mnemon.cli.questions import Question, turn

if TYPE_CHECKING:
    from mnemon.cube import Recall
    from mnemon.memory import Memory

BUDGET = 500
_MARGIN = 6


@dataclass(slots=True)
class Score:
    """How many questions had all, some or none of their evidence recalled."""

    whole: int = 0
    partly: int = 0
    missed: int = 0
    unanswerable: int = 0
    milliseconds: list[float] = field(default_factory=list)

    @property
    def known(self) -> int:
        """Questions whose evidence is known."""
        return self.whole + self.partly + self.missed

    def count(self, question: Question, recalled: int) -> None:
        """Add one question, of whose evidence so many turns were recalled."""
        if question.unanswerable:
            self.unanswerable += 1
        elif question.evidence:
            self.whole += recalled == len(question.evidence)
            self.partly += 0 < recalled < len(question.evidence)
            self.missed += recalled == 0


def ask(memory: Memory, question: Question, number: str, k: int, score: Score) -> None:
    """Ask, print, and count."""
    found = memory.search(question.text, k=k, explain=True)
    recall = memory.recall(question.text, BUDGET)
    _heading(question, number)
    for hit in found:
        known = turn(hit.cube) in question.evidence
        hits.show(hit, mark=click.style(mark(), fg="green") if known else " ")
    recalled = len({turn(hit.cube) for hit in recall.hits} & question.evidence)
    score.count(question, recalled)
    score.milliseconds.append(float(recall.trace.get("ms", 0.0)))
    _footing(question, recall, recalled, found[0].score if found else 0.0)


def mark() -> str:
    """What stands before a line that is known evidence."""
    return "✓" if (sys.stdout.encoding or "").lower().startswith("utf") else "*"


def _heading(question: Question, number: str) -> None:
    text = layout.wrap(f"{number}  {question.text}", layout.columns())
    click.echo()
    click.secho("\n".join(text), bold=True)
    if question.answer:
        told = f"known answer ({question.category}): {question.answer}"
        click.secho(layout.indented(told, _MARGIN), fg="green")


def _footing(question: Question, recall: Recall, recalled: int, best: float) -> None:
    taken = f"recall: {len(recall.hits)} lines in {recall.tokens} of {BUDGET} tokens"
    told = [f"{taken}, {recall.trace.get('ms', 0.0):.1f} ms"]
    if question.unanswerable:
        told.append(f"never said; the best of what was found scores {best:.2f}")
    elif question.evidence:
        told.append(f"evidence recalled: {recalled} of {len(question.evidence)}")
    click.secho(layout.indented("; ".join(told), _MARGIN), fg="blue")
