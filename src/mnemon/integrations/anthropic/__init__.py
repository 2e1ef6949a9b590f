"""Anthropic's memory tool (`memory_20250818`): its files are cubes of a memory."""

from mnemon.models.extras import require

require("anthropic", "anthropic", "anthropic")

from mnemon.integrations.anthropic.tool import (  # noqa: E402
    MnemonAsyncMemoryTool,
    MnemonMemoryTool,
)

__all__ = ["MnemonAsyncMemoryTool", "MnemonMemoryTool"]
