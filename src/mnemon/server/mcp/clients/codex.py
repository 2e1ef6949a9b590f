"""Codex: `config.toml` in `~/.codex` (or `CODEX_HOME`), or in `.codex` of a trusted project.

Follows https://developers.openai.com/codex/mcp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.server.mcp.clients import Machine, Remote

__all__ = ["Codex"]


@dataclass(frozen=True)
class Codex:
    """OpenAI's agent: terminal, editor extension and desktop program read the same file."""

    title: ClassVar[str] = "Codex"
    page: ClassVar[str] = "https://developers.openai.com/codex/mcp"
    keys: ClassVar[tuple[str, ...]] = ("mcp_servers",)
    then: ClassVar[str] = "start `codex` anew; `/mcp` shows the server"

    def user(self, machine: Machine) -> Path:
        """In Codex's own folder."""
        return machine.named("CODEX_HOME", machine.home / ".codex") / "config.toml"

    def project(self, folder: Path) -> Path | None:
        """Read only in projects that the user told Codex to trust."""
        return folder / ".codex" / "config.toml"

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """A stdio server."""
        return {"command": command[0], "args": list(command[1:])}

    def remote(self, server: Remote) -> dict[str, Any]:
        """A streamable HTTP server; the page has a field of its own for a key's variable."""
        told: dict[str, Any] = {"url": server.url}
        if server.variable is not None:
            told["bearer_token_env_var"] = server.variable
        named = server.place() if server.variable is not None else server.headers(None)
        return told | ({"http_headers": named} if named else {})
