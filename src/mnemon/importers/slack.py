"""Slack workspace exports: the zip as sent, or its folder.

    users.json                 [{"id": "U1", "name": "ana", "profile": {"display_name": "Ana"}}]
    channels.json              [{"id": "C1", "name": "general"}]
    general/2024-03-12.json    [{"type": "message", "user": "U1", "ts": "1710270903.000100",
                                 "text": "Hi <@U2>, see <https://x.org|this>"}]

Source: https://slack.com/help/articles/220556107 (how to read Slack data exports). Ids of people
and channels become their names, links `label (address)`; `&amp;`, `&lt;` and `&gt;` what they stand
for. A session is one thread, or one day of a channel outside its threads. Joining, leaving,
renaming and the like are left out, and messages that hold only an app's layout.

Errors: a broken list of users or channels is reported and ids stay ids; a broken message is
reported, the rest kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, label, moment, names, text, told
from mnemon.importers._history import listing
from mnemon.importers._json import array

__all__ = ["Slack"]

_DAY = re.compile(r"(?:.*/)?[^/]+/\d{4}-\d\d-\d\d\.json")
_CHANNELS = ("channels.json", "groups.json", "dms.json", "mpims.json")
_SPOKEN = ("bot_message", "file_share", "me_message", "thread_broadcast", "file_comment", "reply")
_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


@dataclass(frozen=True)
class Slack:
    """Reads Slack workspace exports: one episode for each message."""

    suffixes: ClassVar[tuple[str, ...]] = (".zip",)

    def sniff(self, path: Path, head: bytes) -> bool:
        """A folder or zip with `users.json` and a file for a day of a channel."""
        files = listing(path)
        people = any(PurePosixPath(name).name == "users.json" for name in files)
        return people and any(map(_DAY.fullmatch, files))

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Channel by channel, day by day.

        Raises:
            ImportFailed: there is no file for a day of a channel.
        """
        days = [name for name in history.files("*.json") if _DAY.fullmatch(name)]
        if not days:
            raise ImportFailed(
                f"{history.path} is no Slack export: expected <channel>/<YYYY-MM-DD>.json files"
            )
        workspace = _Workspace()
        yield from _learn(history, "users.json", workspace.person)
        for listed in _CHANNELS:
            yield from _learn(history, listed, workspace.channel)
        for name in days:
            yield from _day(history, name, workspace)


def _day(history: History, name: str, workspace: _Workspace) -> Iterator[Draft | Malformed]:
    folder, day = PurePosixPath(name).parts[-2], PurePosixPath(name).stem
    with history.open(name) as stream:
        for found in array(stream, "message"):
            if isinstance(found, Malformed):
                yield found
                continue
            place, entry = found
            try:
                if (content := workspace.said(entry)) is not None:
                    yield workspace.draft(entry, content, folder, day)
            except Broken as error:
                yield Malformed(place, str(error))


def _learn(
    history: History, name: str, learn: Callable[[dict[str, Any]], None]
) -> Iterator[Malformed]:
    for listed in history.files(name)[:1]:
        with history.open(listed) as stream:
            for found in array(stream, "entry"):
                if isinstance(found, Malformed):
                    yield found
                else:
                    learn(found[1])


@dataclass(frozen=True)
class _Workspace:
    """Who and what the ids stand for."""

    people: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)  # id → name
    ids: dict[str, str] = field(default_factory=dict)  # folder → id

    def person(self, entry: dict[str, Any]) -> None:
        id, name = label(entry, "id"), _name(entry)
        if id and name:
            self.people[id] = name

    def channel(self, entry: dict[str, Any]) -> None:
        id, name = label(entry, "id"), label(entry, "name")
        if id and name:
            self.channels[id] = name
            self.ids[name] = id

    def said(self, entry: dict[str, Any]) -> str | None:
        """What a message says, for people; None when nobody says anything.

        Raises:
            Broken: it should have a text and has none.
        """
        subtype = label(entry, "subtype")
        if subtype is not None and subtype not in _SPOKEN:
            return None
        content = _content(entry)
        return self.readable(content) if content.strip() else None

    def draft(self, entry: dict[str, Any], content: str, folder: str, day: str) -> Draft:
        """The message that says `content`.

        Raises:
            Broken: a field is missing or cannot be read.
        """
        clock = text(entry, "ts")
        thread = label(entry, "thread_ts")
        place = f"slack:{self.ids.get(folder, folder)}#{clock}"
        return Draft(
            content=content,
            speaker=self._speaker(entry),
            session=f"slack/{folder}/{f'thread/{thread}' if thread else day}",
            at=moment(clock),
            source=place,
            key=place,
            metadata=told(
                channel=self.channels.get(folder, folder),
                thread=thread,
                attachments=names(entry.get("files"), "name", "title", "id"),
            ),
        )

    def readable(self, written: str) -> str:
        """Text with names for ids, and without Slack's escapes."""
        plain = _MARKUP.sub(self._resolve, written)
        # Last, so that an escaped "<" never opens a mark-up; "&" last, so that it escapes nothing.
        return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def _resolve(self, found: re.Match[str]) -> str:
        target, shown = found[1], found[2]
        if target.startswith("@"):
            return "@" + self.people.get(target[1:], shown or target[1:])
        if target.startswith("#"):
            return "#" + (shown or self.channels.get(target[1:], target[1:]))
        if target.startswith("!"):
            return shown or "@" + target[1:].partition("^")[0]
        target = target.removeprefix("mailto:").removeprefix("tel:")
        return f"{shown} ({target})" if shown and shown != target else target

    def _speaker(self, entry: dict[str, Any]) -> str:
        profile = entry.get("user_profile")
        named = _name(profile) if isinstance(profile, dict) else None
        id = label(entry, "user", "bot_id")
        speaker = self.people.get(id or "") or named or label(entry, "username") or id
        if speaker is None:
            raise Broken("it has no user")
        return speaker


def _name(person: dict[str, Any]) -> str | None:
    profile = person.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    return (
        label(profile, "display_name", "real_name")
        or label(person, "display_name", "real_name")
        or label(person, "name")
    )


def _content(entry: dict[str, Any]) -> str:
    """What was said; else the names of the files, else what an app put in its attachments."""
    said = entry.get("text")
    if said is not None and not isinstance(said, str):
        raise Broken("'text' is no text")
    if said and said.strip():
        return said
    files = [f"[file: {name}]" for name in names(entry.get("files"), "name", "title", "id")]
    content = "\n".join(files or names(entry.get("attachments"), "fallback", "text", "title"))
    if not content and said is None and "blocks" not in entry and "attachments" not in entry:
        raise Broken("'text' is missing")
    return content
