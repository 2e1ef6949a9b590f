"""Recalling across sessions: a tool that the model calls, or a filter that always does."""

from __future__ import annotations

from typing import Any

from agents import Tool, function_tool
from agents.run import CallModelData, CallModelInputFilter, ModelInputData
from anyio import to_thread

from mnemon.choosing import Kinds
from mnemon.integrations.recalling import HEADING, recalled
from mnemon.integrations.wording import parts_text
from mnemon.memory import Memory


def recall_tool(
    memory: Memory, *, namespace: str | None = None, kind: Kinds = None, budget: int = 500
) -> Tool:
    """A tool `recall` for an agent's `tools`: text about a query, within `budget` tokens.

    Args:
        namespace: the memory's own if None.
        kind: only such cubes, for instance `("episode", "fact")`; all if None.
    """

    async def recall(query: str) -> str:
        """Look up what was said in earlier conversations.

        Args:
            query: What to look for, as a question or in words.
        """
        text = await to_thread.run_sync(
            lambda: recalled(memory, query, budget, namespace=namespace, kind=kind)
        )
        return text or "Nothing is remembered."

    return function_tool(recall)


def recall_filter(
    memory: Memory,
    *,
    namespace: str | None = None,
    kind: Kinds = None,
    budget: int = 500,
    min_score: float = 0.0,
) -> CallModelInputFilter:
    """A `call_model_input_filter` for `RunConfig`: what bears on the user's last message, of all
    sessions, is put below the agent's instructions at each call of the model. What the model is
    shown anyway is left out.

    Args:
        namespace: the memory's own if None.
        kind: only such cubes, for instance `("episode", "fact")`; all if None.
        budget: tokens of the recalled text.
        min_score: leave out what is scored lower; scores lie in [0, 1].
    """

    async def recalling(data: CallModelData[Any]) -> ModelInputData:
        given = data.model_data
        shown = [(item.get("role"), parts_text(item.get("content"))) for item in _maps(given.input)]
        asked = [text for role, text in shown if role == "user" and text]
        if not asked:
            return given
        text = await to_thread.run_sync(
            lambda: recalled(
                memory, asked[-1], budget, [text for _, text in shown],
                namespace=namespace, kind=kind, min_score=min_score,
            )
        )  # fmt: skip
        if not text:
            return given
        told = "\n\n".join(filter(None, (given.instructions, f"{HEADING}\n{text}")))
        return ModelInputData(input=given.input, instructions=told)

    return recalling


def _maps(items: list[Any]) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)]
