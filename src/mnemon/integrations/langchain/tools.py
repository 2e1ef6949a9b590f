"""Tools: search and add, for a model that decides itself when to remember."""

from __future__ import annotations

from typing import Annotated

from langchain_core.tools import BaseTool, StructuredTool

from mnemon.choosing import Kinds
from mnemon.integrations.recalling import recalled
from mnemon.memory import Memory


def memory_tools(
    memory: Memory,
    *,
    namespace: str | None = None,
    kind: Kinds = None,
    budget: int = 500,
    speaker: str | None = None,
) -> list[BaseTool]:
    """`search_memory` and `add_memory`, to bind to a model; the async calls run in a thread.

    Args:
        namespace: the memory's own if None.
        kind: what `search_memory` looks at, for instance `("episode", "fact")`; all if None.
        budget: tokens that one answer of `search_memory` may have.
        speaker: who is noted as the speaker of what is added.
    """

    def search_memory(query: Annotated[str, "What to look for, as a question or in words."]) -> str:
        """Look up what is known from earlier conversations: facts, preferences, decisions.

        Call it before you say that you do not know something about the user or the project.
        """
        found = recalled(memory, query, budget, namespace=namespace, kind=kind)
        return found or "Nothing is remembered about that."

    def add_memory(
        content: Annotated[str, "One self-contained statement: full names, absolute dates."],
    ) -> str:
        """Remember something for later conversations: a fact, a preference, a decision."""
        cube = memory.add(content, namespace=namespace, kind="fact", speaker=speaker)
        return f"Remembered as {cube.id}."

    return [StructuredTool.from_function(one) for one in (search_memory, add_memory)]
