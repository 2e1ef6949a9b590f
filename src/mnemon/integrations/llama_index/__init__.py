"""LlamaIndex: a retriever, a chat memory and a memory block, on `llama-index-core` alone."""

from mnemon.models.extras import require

require("llama_index", "llama-index-core", "llama-index")

from mnemon.integrations.llama_index.block import MnemonMemoryBlock  # noqa: E402
from mnemon.integrations.llama_index.memory import MnemonMemory  # noqa: E402
from mnemon.integrations.llama_index.retriever import MnemonRetriever  # noqa: E402

__all__ = ["MnemonMemory", "MnemonMemoryBlock", "MnemonRetriever"]
