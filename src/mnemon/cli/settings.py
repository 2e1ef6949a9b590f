"""Where a command works, and opening the memory there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits
from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from mnemon.memory import Memory
    from mnemon.server.homes.home import Home
    from mnemon.store import Store


class Nothing(click.ClickException):
    """There is nothing to show: a message on stderr, and exit code 1."""

    exit_code = exits.NOTHING


@dataclass(slots=True)
class Settings:
    """The store, namespace, program and embedder that were asked for; None means the default ones,
    or the store's own. `api_key` is for a server's address."""

    store: str | None = None
    namespace: str | None = None
    program: str | None = None
    api_key: str | None = None
    embedder: str | None = None

    @property
    def address(self) -> str:
        """The store's file, whether it is there or not, or its database's URL."""
        if self.store is not None:
            return self.store
        from mnemon.store.address import default_path

        return str(default_path())

    @property
    def own(self) -> str:
        """The address of a store that this process opens itself.

        Raises:
            InvalidInput: it is a server's, which opens its store alone.
        """
        from mnemon.store.address import is_server

        if is_server(self.address):
            raise InvalidInput(
                f"{self.address} is a server, and this is done on the store itself: do it where "
                "that is, with the store's file or postgresql:// URL as --store"
            )
        return self.address

    @property
    def path(self) -> Path:
        """What files beside the store are named after: its own file, if it is one."""
        from mnemon.store.address import beside

        return beside(self.own)

    def memory(self) -> Memory:
        """The memory, made if it is not there yet."""
        from mnemon.memory import Memory
        from mnemon.store.address import is_server

        if is_server(self.address):
            asked = {"program": self.program, "embedder": self.embedder}
            told: dict[str, Any] = {name: one for name, one in asked.items() if one is not None}
            return Memory(self.address, namespace=self.scope, api_key=self.api_key, **told)
        program = self.program or PROGRAM
        return Memory(self.address, namespace=self.scope, program=program, embedder=self.embedder)

    def existing(self) -> Memory:
        """The memory that is there; it is never made only to find it empty.

        Raises:
            Nothing: there is no such file.
        """
        from mnemon.memory import Memory
        from mnemon.store.address import is_database, is_server

        if is_database(self.address) or is_server(self.address):
            return self.memory()
        if not self.path.exists():
            raise Nothing(f"there is no store at {self.path} yet: {ADVICE}")
        # Whoever may only read still can; then reads are not counted.
        frozen = self.path.is_file() and not os.access(self.path, os.W_OK)
        return Memory(
            self.path, namespace=self.scope, program=self.program or PROGRAM, read_only=frozen
        )

    def asked(self) -> Memory:
        """`existing`, to be searched: what the program lacks is told now."""
        return self.existing()._prepared()

    def known_program(self) -> str:
        """The program's name, for what opens the memory later.

        Raises:
            UnknownName: there is none of that name.
        """
        from mnemon import methods

        name = self.program or PROGRAM
        methods.find("text.programs", name)
        return name

    def here(self) -> Memory:
        """`existing`, for what is done beside the store only: see `own`."""
        return replace(self, store=self.own).existing()

    def opened(self) -> Store:
        """The bare store that is there, for what is about the store and no cube.

        Raises:
            Nothing: there is no such file.
        """
        from mnemon.store import open_store
        from mnemon.store.address import is_database

        if not is_database(self.own) and not self.path.exists():
            raise Nothing(f"there is no store at {self.path} yet: {ADVICE}")
        return open_store(self.own)

    @contextmanager
    def home(self) -> Iterator[Home]:
        """Where keys and the audit log are; the store itself need not be there."""
        from mnemon.server.homes.opening import opened

        with opened(self.own) as home:
            yield home

    def tell(self, verb: str, outcome: str = "done", **told: Any) -> None:
        """Write into the audit log what was done here; see `mnemon.server.audit.entry.drafted`."""
        with self.home() as home:
            home.log.append("cli", verb, outcome, **told)

    def file(self) -> Path:
        """The store's file, for what only a file has.

        Raises:
            InvalidInput: it is a database.
        """
        from mnemon.store.address import is_database, shown

        if is_database(self.address):
            raise InvalidInput(
                f"{shown(self.address)} is a database: back it up with `pg_dump`, restore it with "
                "`pg_restore` (see docs/postgresql.md); keys and audit log are in it"
            )
        return self.path

    @property
    def scope(self) -> str:
        """The namespace's path."""
        return self.namespace or "default"


PROGRAM = "default"
ADVICE = 'add to it with `mnemon add "…"`, or read a history with `mnemon import PATH`'
