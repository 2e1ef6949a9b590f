"""WhatsApp chats exported as text: `_chat.txt` (iOS), `WhatsApp Chat with Ana.txt` (Android).

    [12/03/2024, 21:15:03] Ana: Did you see it?
    12/03/24, 9:15 PM - Ana: Did you see it?
    and a second line of the same message

Source: Export chat in the app; the text follows the telephone's language and is documented
nowhere. Dates may have `/`, `.` or `-`, years two or four digits. Whether the day comes first is
decided by the whole file: by the first value above 12; if there is none, by the option
`day_first`, else the day is first. Times have no zone: `zone` says where the telephone was
(a name such as `Europe/Madrid`). A session is one calendar day of the chat.

System lines (no speaker) are left out; `<Media omitted>` is kept as what was said. Keys come from
day, time, speaker, text and how often they occurred, so a chat exported again adds what is new.

Errors: a message with an impossible date or no text is reported, and text before the first
message; the rest is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from mnemon.cube import Draft
from mnemon.errors import ImportFailed, UnknownName
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken
from mnemon.importers._history import opening
from mnemon.importers._key import Occurrences

__all__ = ["WhatsApp"]

_CLOCK = r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?"
_HALF = r"(?:[\s\u202f\u00a0]?(?P<half>[AaPp])\.?[\s\u202f\u00a0]?[Mm]\.?)?"
_DATE = r"(?P<first>\d{1,4})[./-](?P<middle>\d{1,2})[./-](?P<last>\d{1,4})"
_WHEN = rf"{_DATE},?\s+(?:\w{{1,3}}\s+)?{_CLOCK}{_HALF}"  # "um", "at", "à" before the clock
_LINE = re.compile(rf"[\u200e\u200f\ufeff]*(?:\[{_WHEN}\]|{_WHEN.replace('?P<', '?P<x')} -) ?(.*)")
_SPOKEN = re.compile(r"([^:\"“”«»]{1,100}?): ?(.*)")  # a quoted name: "Ana changed the subject …"
_NOTICE = re.compile(r"\u200e?Messages and calls are end-to-end encrypted")
_NAMED = re.compile(r"^WhatsApp[ -]Chat (?:with|mit|de WhatsApp con|-) |^Chat de WhatsApp con ")


@dataclass(frozen=True)
class WhatsApp:
    """Reads exported WhatsApp chats: one episode for each message.

    `zone` is the time zone of the telephone; `day_first` is for files that leave it open.
    """

    zone: str = "UTC"
    day_first: bool | None = None

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".zip")

    def sniff(self, path: Path, head: bytes) -> bool:
        """The first line is a message or a notice with a date."""
        found = opening(path, head, "_chat.txt") or opening(path, head, "*.txt")
        text = found.decode("utf-8-sig", "replace")
        return _LINE.match(text.lstrip()) is not None

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Message by message, after one look at all dates.

        Raises:
            ImportFailed: no line begins with a date as WhatsApp writes it.
            UnknownName: `zone` is no time zone.
        """
        zone = _zone(self.zone)
        # Documents that were sent lie beside the chat in its zip.
        files = history.files("_chat.txt") or history.files("*WhatsApp*.txt")
        files = files or history.files("*.txt")
        if not files:
            raise ImportFailed(f"{history.path} has no exported chat: expected a .txt file")
        for name in files:
            day_first = self._day_first(history, name)
            chat, seen = _chat(history, name), Occurrences("whatsapp")
            for found in _messages(history, name):
                if isinstance(found, Malformed):
                    yield found
                    continue
                try:
                    yield _draft(found, chat, day_first, zone, seen)
                except Broken as error:
                    yield Malformed(found.place, str(error))

    def _day_first(self, history: History, name: str) -> bool:
        dates = False
        with history.open(name, counted=False) as stream:
            for raw in stream:
                found = _line(raw.decode("utf-8", "replace"))
                if found is None:
                    continue
                dates = True
                if len(found["first"]) < 3 and int(found["first"]) > 12:
                    return True
                if len(found["first"]) < 3 and int(found["middle"]) > 12:
                    return False
        if not dates:
            raise ImportFailed(
                f"{name} is no WhatsApp chat: expected lines such as "
                "'[12/03/2024, 21:15:03] Ana: text' or '12/03/24, 9:15 PM - Ana: text'"
            )
        return self.day_first is not False


@dataclass(frozen=True, slots=True)
class _Message:
    place: str
    when: dict[str, str]
    speaker: str
    text: str


def _messages(history: History, name: str) -> Iterator[_Message | Malformed]:
    """Messages with the lines that belong to them; notices of the app fall out here."""
    when: dict[str, str] | None = None
    place, body = "", ""
    with history.open(name) as stream:
        for number, raw in enumerate(stream, 1):
            try:
                line = raw.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                yield Malformed(f"{name}:{number}", f"not UTF-8: {error.reason}")
                continue
            found = _line(line)
            if found is not None:
                yield from _finished(place, when, body)
                place, when, body = f"{name}:{number}", found, found["rest"]
            elif when is not None:
                body += "\n" + line
            elif line.strip("\ufeff\u200e \t"):
                yield Malformed(f"{name}:{number}", "text before the first message")
    yield from _finished(place, when, body)


def _finished(place: str, when: dict[str, str] | None, body: str) -> Iterator[_Message | Malformed]:
    first, newline, more = body.partition("\n")
    found = _SPOKEN.fullmatch(first)
    if when is None or found is None or _NOTICE.match(found[2]):
        return
    # The app marks what it wrote itself (attachments) with a direction mark; nobody said that.
    text = (found[2].lstrip("\u200e\u200f") + newline + more).rstrip("\n")
    if text.strip():
        yield _Message(place, when, found[1].strip("\u200e\u200f\u202a\u202c "), text)
    else:
        yield Malformed(place, "the message has no text")


def _line(line: str) -> dict[str, str] | None:
    """The parts of a date, and the `rest`, of a line that begins a message."""
    found = _LINE.match(line.rstrip("\r\n"))
    if found is None:
        return None
    parts = {name.removeprefix("x"): value for name, value in found.groupdict().items() if value}
    return {**parts, "rest": found[found.re.groups]}


def _draft(message: _Message, chat: str, day_first: bool, zone: tzinfo, seen: Occurrences) -> Draft:
    wall = _wall(message.when, day_first)
    session = f"{chat}/{wall.date().isoformat()}"
    try:
        at = wall.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError as error:
        raise Broken(f"the date {wall} cannot be told in UTC") from error
    return Draft(
        content=message.text,
        speaker=message.speaker,
        session=session,
        at=at,
        source=f"whatsapp:{message.place}",
        key=seen.key(session, wall.isoformat(), message.speaker, message.text),
        metadata={"title": chat},
    )


def _wall(when: dict[str, str], day_first: bool) -> datetime:
    """The date and time on the telephone's clock.

    Raises:
        Broken: there is no such day or hour.
    """
    first, middle, last = when["first"], when["middle"], when["last"]
    year, month, day = (last, middle, first) if day_first else (last, first, middle)
    if len(first) > 2:
        year, month, day = first, middle, last
    hour = int(when["hour"])
    if "half" in when:
        hour = hour % 12 + (12 if when["half"] in "Pp" else 0)
    try:
        return datetime(
            int(year) + (2000 if len(year) < 3 else 0),
            int(month),
            int(day),
            hour,
            int(when["minute"]),
            int(when.get("second", 0)),
        )
    except ValueError as error:
        raise Broken(f"no such time: {error}") from error


def _chat(history: History, name: str) -> str:
    """What the chat is called: by its file, or by the archive of an iOS export."""
    stem = Path(name).stem
    if stem == "_chat":
        path = history.path.resolve()
        folder = path.parent if path.is_file() else path
        stem = path.stem if path.suffix == ".zip" else folder.name
    return re.sub(r" ?\(\d+\)$", "", _NAMED.sub("", stem)) or "chat"


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # needs no time zone database
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise UnknownName(f"no time zone is called {name!r}: use one as Europe/Madrid") from error
