"""The tools: the SDK's two base classes over the same commands."""

from __future__ import annotations

from typing import Any

from anthropic.lib.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool
from anthropic.types.beta import (
    BetaCacheControlEphemeralParam,
    BetaMemoryTool20250818CreateCommand,
    BetaMemoryTool20250818DeleteCommand,
    BetaMemoryTool20250818InsertCommand,
    BetaMemoryTool20250818RenameCommand,
    BetaMemoryTool20250818StrReplaceCommand,
    BetaMemoryTool20250818ViewCommand,
)
from anyio import to_thread

from mnemon.cube import MemCube
from mnemon.integrations.anthropic.commands import Commands
from mnemon.memory import Memory


class MnemonMemoryTool(BetaAbstractMemoryTool):
    """Claude's memory tool with a memory behind it, for `client.beta.messages.tool_runner`.

    Args:
        memory: a `Memory`, of a file or a server.
        namespace: where the files are; default: `memories` inside the memory's own.
        cache_control: the SDK's.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        namespace: str | None = None,
        cache_control: BetaCacheControlEphemeralParam | None = None,
    ) -> None:
        super().__init__(cache_control=cache_control)
        self._commands = Commands(memory, namespace)

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        """A file with line numbers, or a folder's list."""
        return self._commands.view(command)

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        """A new file."""
        return self._commands.create(command)

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        """Another text in the place of one that is there once."""
        return self._commands.str_replace(command)

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        """A text after a line."""
        return self._commands.insert(command)

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        """Forget a file or a folder."""
        return self._commands.delete(command)

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        """Another path for a file or a folder."""
        return self._commands.rename(command)

    def clear_all_memory(self) -> str:
        """Forget all files."""
        return self._commands.clear()

    def history(self, path: str) -> list[MemCube]:
        """All versions of a file, oldest first: one for each edit."""
        return self._commands.history(path)

    def restore(self, path: str, version: int) -> MemCube:
        """An old version of a file as its newest one."""
        return self._commands.restore(path, version)


class MnemonAsyncMemoryTool(BetaAsyncAbstractMemoryTool):
    """The same for `AsyncAnthropic`; the memory is used in threads."""

    def __init__(
        self,
        memory: Memory,
        *,
        namespace: str | None = None,
        cache_control: BetaCacheControlEphemeralParam | None = None,
    ) -> None:
        super().__init__(cache_control=cache_control)
        self._commands = Commands(memory, namespace)

    async def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        """A file with line numbers, or a folder's list."""
        return await self._aside("view", command)

    async def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        """A new file."""
        return await self._aside("create", command)

    async def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        """Another text in the place of one that is there once."""
        return await self._aside("str_replace", command)

    async def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        """A text after a line."""
        return await self._aside("insert", command)

    async def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        """Forget a file or a folder."""
        return await self._aside("delete", command)

    async def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        """Another path for a file or a folder."""
        return await self._aside("rename", command)

    async def clear_all_memory(self) -> str:
        """Forget all files."""
        return await to_thread.run_sync(self._commands.clear)

    async def _aside(self, name: str, command: Any) -> str:
        return await to_thread.run_sync(getattr(self._commands, name), command)
