"""LangChain: a retriever, a chat history and tools, on `langchain-core` alone."""

from mnemon.models.extras import require

require("langchain_core", "langchain-core", "langchain")

from mnemon.integrations.langchain.history import MnemonChatMessageHistory  # noqa: E402
from mnemon.integrations.langchain.retriever import MnemonRetriever  # noqa: E402
from mnemon.integrations.langchain.tools import memory_tools  # noqa: E402

__all__ = ["MnemonChatMessageHistory", "MnemonRetriever", "memory_tools"]
