"""Chats written for Mnemon, with questions: `training/conversations` and `training/held-out`.

    = 2023-02-06 17:48
    thandi: thank youuuu thats the airfryer {k1}
    ? single-hop | k1 | What did Thandi order?

A line `=` opens a session, `{k1}` marks a turn that questions name as evidence, a line `?` holds
category, evidence and question. Fiction in many styles (bursts, groups, notes, a work channel,
letters), written by a language model: the ranker that the package ships was fitted on the folder
`conversations`, nothing was fitted on `held-out`. Times are read as UTC, a turn a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from mnemon.bench.case import Case, Malformed, Question, Turn
from mnemon.cube import Draft
from mnemon.errors import ImportFailed

__all__ = ["Chats"]

_TURN = re.compile(r"([^:]{1,40}): (.*?)(?:\s*\{(k\d+)\})?\s*")
_ASKED = re.compile(r"\?\s*([\w-]+)\s*\|([^|]*)\|\s*(.+?)\s*")


@dataclass(frozen=True)
class Chats:
    """Reads a folder of `.chat` files, or one."""

    name: ClassVar[str] = "written chats (evidence retrieval)"
    url: ClassVar[str] = "training/"
    licence: ClassVar[str] = "Apache-2.0"
    citation: ClassVar[str] = "written for Mnemon by a language model"
    split: ClassVar[str] = "the folder's"
    main_score: ClassVar[str] = "recall@10"
    direction: ClassVar[str] = "higher"

    def sniff(self, path: Path) -> bool:
        """A `.chat` file, or a folder with one."""
        return path.suffix == ".chat" or any(path.glob("*.chat"))

    def read(self, path: Path) -> list[Case]:
        """A case for each file, by name.

        Raises:
            ImportFailed: there is no `.chat` file, or a line of none of the three kinds.
        """
        files = sorted(path.glob("*.chat")) if path.is_dir() else [path]
        if not files:
            raise ImportFailed(f"{path} holds no .chat file")
        return [_case(file) for file in files]


def _case(file: Path) -> Case:
    case = f"{file.parent.name}/{file.stem}"
    turns: list[Turn] = []
    asked: list[tuple[str, list[str], str]] = []
    marked: dict[str, str] = {}
    at, session = datetime.min, 0
    for number, line in _lines(file):
        if line.startswith("= "):
            at, session = _time(file, number, line[2:]), session + 1
        elif match := _ASKED.fullmatch(line):
            asked.append((match[1], match[2].split(), match[3]))
        elif (match := _TURN.fullmatch(line)) and session:
            id = f"{case}:{number}"
            if match[3]:
                marked[match[3]] = id
            draft = Draft(match[2], speaker=match[1], session=f"{case}:{session}", at=at, key=id)
            turns.append(Turn(id, draft))
            at += timedelta(minutes=1)
        else:
            raise ImportFailed(f"{file}, line {number}: no session, turn or question: {line!r}")
    return _asked(case, turns, asked, marked)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()


def _time(file: Path, number: int, told: str) -> datetime:
    try:
        return datetime.strptime(told.strip(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise ImportFailed(f"{file}, line {number}: {error}") from error


def _asked(
    case: str, turns: list[Turn], asked: list[tuple[str, list[str], str]], marked: dict[str, str]
) -> Case:
    questions: list[Question] = []
    malformed: list[Malformed] = []
    for number, (category, given, text) in enumerate(asked):
        place = f"{case}:q{number}"
        malformed += [
            Malformed(case, place, id, f"no turn {id}") for id in given if id not in marked
        ]
        evidence = tuple(dict.fromkeys(marked[id] for id in given if id in marked))
        if evidence:
            questions.append(Question(place, category, text, evidence))
    left_out = len(asked) - len(questions)
    return Case(case, tuple(turns), tuple(questions), tuple(malformed), left_out)
