"""Claude Code: `~/.claude.json`, or `.mcp.json` in a project.

Follows https://code.claude.com/docs/en/mcp (scopes "user" and "project").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["ClaudeCode"]


@dataclass(frozen=True)
class ClaudeCode:
    """Anthropic's agent for the terminal."""

    title: ClassVar[str] = "Claude Code"
    page: ClassVar[str] = "https://code.claude.com/docs/en/mcp"
    keys: ClassVar[tuple[str, ...]] = ("mcpServers",)
    then: ClassVar[str] = "start `claude` anew; `/mcp` shows the server"

    def user(self, machine: Machine) -> Path:
        """`.claude.json` in the home folder."""
        return machine.home / ".claude.json"

    def project(self, folder: Path) -> Path | None:
        """`.mcp.json`, to be shared by all who work on the project."""
        return folder / ".mcp.json"

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A stdio server."""
        return {"type": "stdio", "command": command[0], "args": list(command[1:]), "env": {}}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A streamable HTTP server; the page writes a variable as `${NAME}`."""
        return {"type": "http", "url": server.url, "headers": server.headers("${NAME}")}
