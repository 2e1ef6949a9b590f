"""The slot `server.mcp.clients`: one file knows where one client keeps its MCP servers, and how.

A method is a frozen dataclass without options. What it says follows the vendor's page named in
`page`; when a vendor changes its format, that file changes and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

__all__ = ["Client", "Machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a client looks: the home folder, the system (as `sys.platform` names it), variables."""

    home: Path
    system: str
    environ: Mapping[str, str]

    def named(self, variable: str, otherwise: Path) -> Path:
        """The folder that a variable names, or the usual one."""
        told = self.environ.get(variable)
        return Path(told).expanduser() if told else otherwise

    @property
    def applications(self) -> Path:
        """Where desktop programs keep their settings."""
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        if self.system == "win32":
            return self.named("APPDATA", self.home / "AppData" / "Roaming")
        return self.named("XDG_CONFIG_HOME", self.home / ".config")


class Client(Protocol):
    """What a method of this slot offers.

    Attributes:
        title: the client's name for people.
        page: the vendor's documentation that this follows.
        keys: where in the file the servers are, from the outermost key in.
        then: what to do after installing.
    """

    title: ClassVar[str]
    page: ClassVar[str]
    keys: ClassVar[tuple[str, ...]]
    then: ClassVar[str]

    def user(self, machine: Machine) -> Path:
        """The user's own configuration file.

        Raises:
            InvalidInput: the client does not exist on this system.
        """
        ...

    def project(self, folder: Path) -> Path | None:
        """The file of a project, or None if the client has none."""
        ...

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """The value that starts `command`."""
        ...
