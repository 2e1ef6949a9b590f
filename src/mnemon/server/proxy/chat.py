"""Chat completions: https://platform.openai.com/docs/api-reference/chat"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mnemon.server.proxy.dialect import Dialect
from mnemon.server.proxy.places import Place, last_said, member
from mnemon.server.proxy.turns import (
    Answer,
    Conversation,
    Turn,
    attached,
    clean,
    joined,
    mapping,
    mark,
    sequence,
    stated,
)

_INSTRUCTIONS = ("system", "developer")
_UNFIT = (None, "content_filter", "error")  # reasons to finish with no answer to remember


def conversation(body: Mapping[str, Any]) -> Conversation:
    """The turns of a request."""
    told = [mapping(one) for one in sequence(body.get("messages"))]
    return Conversation(tuple(map(_turn, (m for m in told if m.get("role") not in _INSTRUCTIONS))))


def _turn(message: Mapping[str, Any]) -> Turn:
    role, content, name = message.get("role"), message.get("content"), message.get("name")
    calls = message.get("tool_calls") or message.get("function_call")
    return Turn(
        role=role if role in ("user", "assistant") else "tool",
        text=clean(joined(content)),
        mark=mark(content, calls, name),
        speaker=stated(name),
        attached=attached(content),
    )


def place(text: str) -> Place | None:
    """Where the content of the user's last message lies."""
    return last_said(text, member(text, "messages"))


def answer(body: Mapping[str, Any]) -> Answer | None:
    """The first choice of an answer: nobody knows which of several is read."""
    choice = mapping(next(iter(sequence(body.get("choices"))), None))
    if choice.get("finish_reason") in _UNFIT:
        return None
    message = mapping(choice.get("message"))
    audio = mapping(message.get("audio")).get("transcript")
    return Answer(
        clean(joined(message.get("content")) or joined(audio)),
        stated(body.get("id")),
        stated(body.get("model")),
        tuple(filter(None, map(_name, sequence(message.get("tool_calls"))))),
    )


class ChatListener:
    """Puts the first choice together from its deltas."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._tools: list[str] = []
        self._told: dict[str, str | None] = {}
        self._finish: str | None = None
        self._broken = False
        self.over = False

    def hear(self, event: str, data: str) -> None:
        """Take in one chunk, or the end."""
        if data.strip() == "[DONE]":
            self.over = True
            return
        if not data.strip():
            return
        chunk = _object(data)
        if chunk is None or event == "error" or chunk.get("error"):
            self._broken = True
            return
        for name in ("id", "model"):
            self._told[name] = self._told.get(name) or stated(chunk.get(name))
        for choice in map(mapping, sequence(chunk.get("choices"))):
            if choice.get("index", 0) == 0:
                self._take(mapping(choice.get("delta")))
                self._finish = stated(choice.get("finish_reason")) or self._finish

    def _take(self, delta: Mapping[str, Any]) -> None:
        for said in (delta.get("content"), mapping(delta.get("audio")).get("transcript")):
            self._parts.append(joined(said))
        self._tools += filter(None, map(_name, sequence(delta.get("tool_calls"))))

    @property
    def answer(self) -> Answer | None:
        """The whole answer, once the choice has finished."""
        if self._broken or self._finish in _UNFIT:
            return None
        return Answer(clean("".join(self._parts)), **self._told, tools=tuple(self._tools))


def _name(call: Any) -> str | None:
    told = mapping(call)
    return stated(mapping(told.get("function") or told.get("custom")).get("name"))


def _object(data: str) -> Mapping[str, Any] | None:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


CHAT = Dialect("/chat/completions", "text", conversation, place, answer, ChatListener)
