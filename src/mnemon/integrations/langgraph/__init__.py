"""LangGraph: `MnemonStore`, a `BaseStore` over a memory.

from mnemon import Memory
from mnemon.integrations.langgraph import MnemonStore

graph = builder.compile(store=MnemonStore(Memory("agent.db")))
"""

from mnemon.models.extras import require

require("langgraph", "langgraph", "langgraph")

from mnemon.integrations.langgraph.store import MnemonStore  # noqa: E402  # says first what to install

__all__ = ["MnemonStore"]
