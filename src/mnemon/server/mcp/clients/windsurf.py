"""Windsurf, now Devin Desktop: `~/.codeium/windsurf/mcp_config.json`, of its agent Cascade.

Follows https://docs.devin.ai/desktop/cascade/mcp. The newer agent, Devin Local, has files of its
own, on which the vendor's pages do not agree yet, so they are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["Windsurf"]


@dataclass(frozen=True)
class Windsurf:
    """The editor's agent Cascade."""

    title: ClassVar[str] = "Windsurf (Cascade)"
    page: ClassVar[str] = "https://docs.devin.ai/desktop/cascade/mcp"
    keys: ClassVar[tuple[str, ...]] = ("mcpServers",)
    then: ClassVar[str] = "restart the editor; Cascade's MCP panel lists the server"

    def user(self, machine: Machine) -> Path:
        """The only file."""
        return machine.home / ".codeium" / "windsurf" / "mcp_config.json"

    def project(self, folder: Path) -> Path | None:
        """None: Cascade has no file for a project."""
        return None

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A stdio server."""
        return {"command": command[0], "args": list(command[1:])}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A streamable HTTP server; the page writes a variable as `${env:NAME}`."""
        return {"serverUrl": server.url, "headers": server.headers("${env:NAME}")}
