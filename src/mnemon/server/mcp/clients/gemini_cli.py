"""Gemini CLI: `settings.json` in `~/.gemini`, or in `.gemini` of a project.

Follows https://geminicli.com/docs/tools/mcp-server/ and
https://geminicli.com/docs/cli/configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["GeminiCli"]


@dataclass(frozen=True)
class GeminiCli:
    """Google's agent for the terminal."""

    title: ClassVar[str] = "Gemini CLI"
    page: ClassVar[str] = "https://geminicli.com/docs/tools/mcp-server/"
    keys: ClassVar[tuple[str, ...]] = ("mcpServers",)
    then: ClassVar[str] = "start `gemini` in a folder that you trust; `/mcp` shows the server"

    def user(self, machine: Machine) -> Path:
        """For every project."""
        return machine.home / ".gemini" / "settings.json"

    def project(self, folder: Path) -> Path | None:
        """For one project."""
        return folder / ".gemini" / "settings.json"

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A stdio server."""
        return {"command": command[0], "args": list(command[1:])}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A streamable HTTP server; the settings write a variable as `${NAME}`."""
        return {"httpUrl": server.url, "headers": server.headers("${NAME}")}
