"""Cursor: `~/.cursor/mcp.json`, or `.cursor/mcp.json` in a project.

Follows https://cursor.com/docs/mcp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["Cursor"]


@dataclass(frozen=True)
class Cursor:
    """The editor and its terminal agent."""

    title: ClassVar[str] = "Cursor"
    page: ClassVar[str] = "https://cursor.com/docs/mcp"
    keys: ClassVar[tuple[str, ...]] = ("mcpServers",)
    then: ClassVar[str] = "restart Cursor; its settings list the server under MCP"

    def user(self, machine: Machine) -> Path:
        """For every project."""
        return machine.home / ".cursor" / "mcp.json"

    def project(self, folder: Path) -> Path | None:
        """For one project."""
        return folder / ".cursor" / "mcp.json"

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A stdio server."""
        return {"command": command[0], "args": list(command[1:])}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A server by its address; the page writes a variable as `${env:NAME}`."""
        return {"url": server.url, "headers": server.headers("${env:NAME}")}
