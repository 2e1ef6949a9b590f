"""OpenCode: `opencode.json` or `opencode.jsonc` in `~/.config/opencode`, or in a project.

Follows https://opencode.ai/docs/mcp-servers/: servers are under `mcp.servers`, which 1.18 reads
too. Older versions had them right under `mcp`; a file with such is refused, since the vendor does
not say what a mixture means (https://opencode.ai/docs/migrate-v1/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["OpenCode"]


@dataclass(frozen=True)
class OpenCode:
    """The open agent for the terminal."""

    title: ClassVar[str] = "OpenCode"
    page: ClassVar[str] = "https://opencode.ai/docs/mcp-servers/"
    keys: ClassVar[tuple[str, ...]] = ("mcp", "servers")
    then: ClassVar[str] = "start `opencode` anew"

    def user(self, machine: Machine) -> Path:
        """For every project."""
        return _either(machine.home / ".config" / "opencode")

    def project(self, folder: Path) -> Path | None:
        """For one project."""
        return _either(folder)

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A local server; its command is one list."""
        return {"type": "local", "command": list(command)}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A remote server; the page writes a variable as `{env:NAME}`. A key makes a login
        needless."""
        headers = server.headers("{env:NAME}")
        login = {"oauth": False} if "Authorization" in headers else {}
        return {"type": "remote", "url": server.url, **login, "headers": headers}


def _either(folder: Path) -> Path:
    commented = folder / "opencode.jsonc"
    return commented if commented.exists() else folder / "opencode.json"
