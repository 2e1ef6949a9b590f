"""The session: the SDK's `Session` protocol over a memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from agents import SessionSettings, TResponseInputItem
from anyio import to_thread

from mnemon.integrations.transcript import SAID, STEP, Entry, Transcript
from mnemon.integrations.wording import parts_text
from mnemon.memory import Memory

T = TypeVar("T")
_SPEAKERS = ("user", "assistant")


class MnemonSession:
    """A conversation's items, exactly as the SDK gave them and in order.

    What users and assistants say are episodes with their speaker, so that other sessions find them;
    calls of tools, their outputs and reasoning are kept as the kind `step`. Nothing blocks the
    event loop: the memory is used in threads.

    Args:
        session_id: the conversation's id.
        memory: a `Memory`, of a file or a server.
        namespace: the memory's own if None.
        session_settings: the SDK's; its `limit` is the newest items that a run is given.
    """

    session_settings: SessionSettings | None

    def __init__(
        self,
        session_id: str,
        memory: Memory,
        *,
        namespace: str | None = None,
        session_settings: SessionSettings | None = None,
    ) -> None:
        self.session_id = session_id
        self.session_settings = session_settings or SessionSettings()
        self._transcript = Transcript(memory, session_id, "openai-agents", namespace)

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The newest `limit` items (None: as the settings say, else all), oldest first."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        return await _aside(lambda: self._transcript.items(limit))

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Add all of them, or none."""
        entries = [_entry(item) for item in items]
        await _aside(lambda: self._transcript.add(entries))

    async def pop_item(self) -> TResponseInputItem | None:
        """Forget the newest item and give it; None if there is none."""
        return await _aside(self._transcript.pop)

    async def clear_session(self) -> None:
        """Forget the session's items; the memory's past keeps them."""
        await _aside(self._transcript.clear)


async def _aside(call: Callable[[], T]) -> T:
    return await to_thread.run_sync(call)


def _entry(item: Any) -> Entry:
    role = item.get("role")
    if role in _SPEAKERS:
        return Entry(item, parts_text(item.get("content")), role, SAID)
    return Entry(item, _step(item), role, STEP)


def _step(item: dict[str, Any]) -> str:
    """What a search could read of a call, its output, or reasoning."""
    told = [item.get(name) for name in ("name", "arguments", "output", "content", "summary")]
    return "\n".join(
        text if isinstance(text, str) else parts_text(text) or json.dumps(text)
        for text in told
        if text
    )
