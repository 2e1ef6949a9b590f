"""LangGraph: `MnemonStore`, a `BaseStore` over a memory; `builder.compile(store=…)` takes it."""

from mnemon.models.extras import require

require("langgraph", "langgraph", "langgraph")

from mnemon.integrations.langgraph.store import MnemonStore  # noqa: E402

__all__ = ["MnemonStore"]
