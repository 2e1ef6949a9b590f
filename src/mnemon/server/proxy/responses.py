"""Responses: https://platform.openai.com/docs/api-reference/responses"""

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
_ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


def conversation(body: Mapping[str, Any]) -> Conversation:
    """The turns of a request, and what they go on from upstream."""
    given, previous = body.get("input"), stated(body.get("previous_response_id"))
    items = [{"role": "user", "content": given}] if isinstance(given, str) else sequence(given)
    told = [one for one in map(mapping, items) if one.get("role") not in _INSTRUCTIONS]
    if previous is not None:
        return Conversation(tuple(map(_turn, told)), previous, sure=True)
    kept = body.get("conversation")
    kept = stated(kept if isinstance(kept, str) else mapping(kept).get("id"))
    return Conversation(tuple(map(_turn, told)), kept or "")


def _turn(item: Mapping[str, Any]) -> Turn:
    role, content = item.get("role"), item.get("content")
    if item.get("type", "message") != "message" or role not in ("user", "assistant"):
        return Turn("tool", "", mark(item))
    return Turn(role, clean(joined(content)), mark(content), attached=attached(content))


def place(text: str) -> Place | None:
    """Where the content of the user's last message lies."""
    given = member(text, "input")
    return given if text[given[0]] == '"' else last_said(text, given)


def answer(body: Mapping[str, Any]) -> Answer | None:
    """The messages of an answer that was completed, or cut at its longest."""
    why = mapping(body.get("incomplete_details")).get("reason")
    cut = body.get("status") == "incomplete" and why == "max_output_tokens"
    if body.get("status") != "completed" and not cut:
        return None
    output = [mapping(one) for one in sequence(body.get("output"))]
    said = [joined(one.get("content")) for one in output if one.get("type") == "message"]
    calls = [one for one in output if str(one.get("type")).endswith("_call")]
    return Answer(
        clean("\n".join(filter(None, said))),
        stated(body.get("id")),
        stated(body.get("model")),
        tuple(stated(one.get("name")) or str(one["type"]) for one in calls),
    )


class ResponsesListener:
    """Waits for the last event, which has the whole response in it."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.over = False

    def hear(self, event: str, data: str) -> None:
        """Take in one event."""
        if not any(f'"{end}"' in data or event == end for end in _ENDS):
            return  # most are deltas, which nobody needs to parse
        try:
            told = mapping(json.loads(data))
        except (ValueError, RecursionError):
            return
        if told.get("type", event) in _ENDS:
            self.answer = answer(mapping(told.get("response")))
            self.over = True


RESPONSES = Dialect("/responses", "input_text", conversation, place, answer, ResponsesListener)
