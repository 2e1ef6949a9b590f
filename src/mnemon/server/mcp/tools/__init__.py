"""The six tools, a file each. No more: every tool's schema is in every prompt of the client."""

from __future__ import annotations

from mnemon.server.mcp.tool import Tool
from mnemon.server.mcp.tools.add_memory import ADD
from mnemon.server.mcp.tools.forget_memory import FORGET
from mnemon.server.mcp.tools.memory_status import STATUS
from mnemon.server.mcp.tools.recall import RECALL
from mnemon.server.mcp.tools.search_memory import SEARCH
from mnemon.server.mcp.tools.update_memory import UPDATE

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (ADD, SEARCH, RECALL, UPDATE, FORGET, STATUS)}
