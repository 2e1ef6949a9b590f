"""Claude Desktop: `claude_desktop_config.json`; there are versions for macOS and Windows.

Follows https://modelcontextprotocol.io/docs/develop/connect-local-servers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.errors import InvalidInput
from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["ClaudeDesktop"]


@dataclass(frozen=True)
class ClaudeDesktop:
    """Anthropic's desktop program."""

    title: ClassVar[str] = "Claude Desktop"
    page: ClassVar[str] = "https://modelcontextprotocol.io/docs/develop/connect-local-servers"
    keys: ClassVar[tuple[str, ...]] = ("mcpServers",)
    then: ClassVar[str] = "quit Claude Desktop wholly and open it again"

    def user(self, machine: Machine) -> Path:
        """In the folder `Claude` of the programs' settings."""
        if machine.system not in ("darwin", "win32"):
            raise InvalidInput(
                f"{self.page} tells where Claude Desktop keeps its servers on macOS and Windows, "
                f"not on {machine.system!r}: paste what `mnemon install claude-desktop --print` "
                "prints into the file that its settings open (Developer, Edit Config)"
            )
        return machine.applications / "Claude" / "claude_desktop_config.json"

    def project(self, folder: Path) -> Path | None:
        """None: it knows no projects."""
        return None

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A stdio server."""
        return {"command": command[0], "args": list(command[1:])}

    def remote(self, server: Remote) -> dict[str, Any]:
        """None: its file is for servers that it starts."""
        raise InvalidInput(
            f"{self.page} tells of servers that Claude Desktop starts itself, and of none that it "
            "asks over HTTP: leave --http out"
        )
