"""Visual Studio Code: `mcp.json` of the default profile, or `.vscode/mcp.json` in a workspace.

Follows https://code.visualstudio.com/docs/agents/reference/mcp-configuration; where the default
profile lies: https://code.visualstudio.com/docs/configure/settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["VSCode"]


@dataclass(frozen=True)
class VSCode:
    """The editor's own agent."""

    title: ClassVar[str] = "VS Code"
    page: ClassVar[str] = "https://code.visualstudio.com/docs/agents/reference/mcp-configuration"
    keys: ClassVar[tuple[str, ...]] = ("servers",)
    then: ClassVar[str] = "run `MCP: List Servers` in VS Code and start it"

    def user(self, machine: Machine) -> Path:
        """Of the default profile; other profiles have their own."""
        return machine.applications / "Code" / "User" / "mcp.json"

    def project(self, folder: Path) -> Path | None:
        """For one workspace."""
        return folder / ".vscode" / "mcp.json"

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A stdio server."""
        return {"type": "stdio", "command": command[0], "args": list(command[1:])}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A streamable HTTP server; for headers the page knows only what it asks the user for."""
        return {"type": "http", "url": server.url, "headers": server.headers(None)}
