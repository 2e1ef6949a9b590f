"""The slot `server.mcp.clients`: one file knows where one client keeps its MCP servers, and how.

A method is a frozen dataclass without options. What it says follows the vendor's page named in
`page`; when a vendor changes its format, that file changes and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

from mnemon.errors import InvalidInput

__all__ = ["Client", "Machine", "Remote"]


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


@dataclass(frozen=True, slots=True)
class Remote:
    """A server that a client asks itself. `key` is the API key, `variable` names the one of the
    environment that holds it; with neither, none is sent. `namespace` is what a header names where
    the tools work; with None they do where the address says, or the key."""

    url: str
    key: str | None = None
    variable: str | None = None
    namespace: str | None = None

    def headers(self, written: str | None) -> dict[str, str]:
        """The headers, where a client's file writes a variable as `written`, NAME standing for its
        name; None: its page tells of no way.

        Raises:
            InvalidInput: there is no way, and the key is in a variable.
        """
        told = self.key
        if self.variable is not None:
            if written is None:
                raise InvalidInput(
                    "this client's page tells of no way to read a key from the environment: give "
                    "the file that the key is in, with --api-key-file; it is written into the entry"
                )
            told = written.replace("NAME", self.variable)
        named = {} if told is None else {"Authorization": f"Bearer {told}"}
        return named | self.place()

    def place(self) -> dict[str, str]:
        """The header that names the namespace, if one is asked for."""
        return {} if self.namespace is None else {"Mnemon-Namespace": quote(self.namespace)}


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

    def remote(self, server: Remote) -> dict[str, Any]:
        """The value that has it ask a server over HTTP.

        Raises:
            InvalidInput: its page tells of no such way.
        """
        ...
