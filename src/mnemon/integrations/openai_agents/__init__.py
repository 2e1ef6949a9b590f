"""OpenAI Agents SDK: a session that is kept, a tool and a filter that recall across sessions."""

from mnemon.models.extras import require

require("agents", "openai-agents", "openai-agents")

from mnemon.integrations.openai_agents.recalling import recall_filter, recall_tool  # noqa: E402
from mnemon.integrations.openai_agents.session import MnemonSession  # noqa: E402

__all__ = ["MnemonSession", "recall_filter", "recall_tool"]
