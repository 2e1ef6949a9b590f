"""Zed: `context_servers` in `settings.json`, a file with comments.

Follows https://zed.dev/docs/ai/mcp; where the settings lie: https://zed.dev/docs/configuring-zed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["Zed"]


@dataclass(frozen=True)
class Zed:
    """The editor's agent panel."""

    title: ClassVar[str] = "Zed"
    page: ClassVar[str] = "https://zed.dev/docs/ai/mcp"
    keys: ClassVar[tuple[str, ...]] = ("context_servers",)
    then: ClassVar[str] = "the agent panel's settings show the server, with a green dot"

    def user(self, machine: Machine) -> Path:
        """The same place on macOS and Linux, where a variable can move it."""
        linux = machine.named("XDG_CONFIG_HOME", machine.home / ".config")
        folder = machine.home / ".config" if machine.system == "darwin" else linux
        return folder / "zed" / "settings.json"

    def project(self, folder: Path) -> Path | None:
        """None: the vendor's page names the user's settings only."""
        return None

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A server of one's own."""
        return {"command": command[0], "args": list(command[1:]), "env": {}}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A server by its address, with a header for its key."""
        return {"url": server.url, "headers": server.headers(None)}
