"""LoCoMo: very long conversations of two people, with questions about them.

    [{"sample_id": "conv-26", "qa": [...], "conversation": {
       "speaker_a": "Caroline", "speaker_b": "Melanie",
       "session_1_date_time": "1:56 pm on 8 May, 2023",
       "session_1": [{"speaker": "Caroline", "dia_id": "D1:1", "text": "Hey Mel!"},
                     {"speaker": "Melanie", "dia_id": "D1:2", "text": "Look!",
                      "img_url": ["https://..."], "blip_caption": "a photo of a lake"}]}}]

Source: https://github.com/snap-research/locomo, `data/locomo10.json` (CC BY-NC 4.0), described in
https://arxiv.org/abs/2402.17753. The time of a turn is that of its session plus one second for
each turn before it, in UTC, so that order is kept. A shared photo is told by its caption. The
questions and the summaries are left out: they are for measuring.

Errors: a session whose time cannot be read is reported and left out; so is a broken turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, label, mapping, sequence, spoken, text
from mnemon.importers._history import opening
from mnemon.importers._json import array, recognise, shape

__all__ = ["LoCoMo"]

_MARKS = frozenset({"[].conversation.speaker_a", "[].qa[].evidence"})
_FILES = "locomo*.json"
_WHEN = re.compile(r"(\d{1,2}):(\d\d) ([ap])m on (\d{1,2}) ([A-Z][a-z]{2})[a-z]*,? (\d{4})")
# Names of months are spelled out here because strptime reads those of the machine's locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class LoCoMo:
    """Reads LoCoMo: one episode for each turn; `sample` picks one of the conversations."""

    sample: str | None = None

    suffixes: ClassVar[tuple[str, ...]] = (".json", ".zip")

    def sniff(self, path: Path, head: bytes) -> bool:
        """A list of samples with a conversation of two speakers, or questions with evidence."""
        return bool(_MARKS & shape(opening(path, head, _FILES)))

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Sample by sample.

        Raises:
            ImportFailed: there are no such samples, or none is called `sample`.
        """
        files = history.files(_FILES)
        if not files:
            raise ImportFailed(f"{history.path} has no locomo10.json")
        known: list[str] = []
        for name in files:
            with history.open(name) as stream:
                recognise(stream, _MARKS, "LoCoMo: a list of samples with `conversation`")
                for found in array(stream, "sample"):
                    if isinstance(found, Malformed):
                        yield found
                    else:
                        known.append(label(found[1], "sample_id") or "")
                        yield from self._sample(*found)
        if self.sample is not None and self.sample not in known:
            raise ImportFailed(f"no sample {self.sample!r}: there are {', '.join(known)}")

    def _sample(self, place: str, entry: dict[str, Any]) -> Iterator[Draft | Malformed]:
        try:
            sample = text(entry, "sample_id")
            if self.sample not in (None, sample):
                return
            talk = mapping(entry.get("conversation"), "conversation")
        except Broken as error:
            yield Malformed(place, str(error))
            return
        numbers = [int(name[8:]) for name in talk if re.fullmatch(r"session_[0-9]{1,6}", name)]
        for number in sorted(numbers):
            name = f"session_{number}"
            try:
                turns = sequence(talk.get(name), name)
                start = _when(text(talk, f"{name}_date_time"))
            except Broken as error:
                yield Malformed(f"{place}, {name}", str(error))
                continue
            for index, turn in enumerate(turns):
                try:
                    yield _turn(turn, sample, name, start + timedelta(seconds=index))
                except Broken as error:
                    yield Malformed(f"{place}, {name}, turn {index + 1}", str(error))


def _turn(turn: object, sample: str, session: str, at: datetime) -> Draft:
    turn = mapping(turn, "the turn")
    caption = label(turn, "blip_caption")
    content = text(turn, "text") + (f" [photo: {caption}]" if caption else "")
    place = f"locomo:{sample}:{text(turn, 'dia_id')}"
    return Draft(
        content=spoken(content),
        speaker=text(turn, "speaker"),
        session=f"{sample}/{session}",
        at=at,
        source=place,
        key=place,
        metadata={"dia_id": turn["dia_id"], "sample": sample},
    )


def _when(written: str) -> datetime:
    found = _WHEN.fullmatch(written.strip())
    try:
        if found is None or found[5] not in _MONTHS:
            raise ValueError("expected such as '1:56 pm on 8 May, 2023'")
        hour = int(found[1]) % 12 + (12 if found[3] == "p" else 0)
        month = _MONTHS.index(found[5]) + 1
        return datetime(int(found[6]), month, int(found[4]), hour, int(found[2]), tzinfo=UTC)
    except ValueError as error:
        raise Broken(f"cannot read the time {written[:60]!r} of the session: {error}") from error
