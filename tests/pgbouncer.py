"""PgBouncer for tests, in front of a server of postgresql.py.

To run other tests through it: `MNEMON_TEST_POOLER=transaction pytest tests/store/postgres`, or
`session`; MNEMON_TEST_PGBOUNCER is the program, where it is not the installed one.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest

_PROGRAM = "MNEMON_TEST_PGBOUNCER"
_PORT = 6432  # only a part of the socket's name
_PATIENCE_S = 20.0
_CONFIGURED = """\
[databases]
* = host={server}

[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
logfile = {folder}/log
pool_mode = {mode}
default_pool_size = {size}
server_login_retry = 0.1
query_wait_timeout = 20
server_reset_query =
"""


def program() -> Path | None:
    """Where PgBouncer is, if it is anywhere."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    named = os.environ.get(_PROGRAM) or shutil.which("pgbouncer", path=places)
    return Path(named) if named else None


class Pooler:
    """One PgBouncer, reached by a socket in its folder: all roles may, without a password.

    `size` server connections for each database and role; `mode` is PgBouncer's pool_mode; `more`
    is for other lines of its settings. In no mode does it clear up behind a client: what one leaves
    in a session, the next one finds.
    """

    def __init__(
        self, server: Path, mode: str, size: int, user: str | None, more: str = ""
    ) -> None:
        found = program()
        if found is None:
            pytest.skip(
                "no PgBouncer: `apt-get install pgbouncer`, or name the program in " + _PROGRAM
            )
        self.folder = Path(tempfile.mkdtemp(prefix="mnemon-pgb-"))
        configured = _CONFIGURED.format(
            server=server, folder=self.folder, port=_PORT, mode=mode, size=size
        )
        (self.folder / "ini").write_text(configured + more)
        (self.folder / "users").write_text('"mnemon" ""\n"postgres" ""\n')
        if user:  # PgBouncer refuses to run as root
            shutil.chown(self.folder, user)
        self._process = subprocess.Popen(
            [found, "-q", self.folder / "ini"], user=user, stderr=subprocess.DEVNULL
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(self.folder / f".s.PGSQL.{_PORT}"))
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def url(self, name: str, role: str = "mnemon") -> str:
        """The address of a database for a role."""
        return f"postgresql://{role}@/{name}?host={quote(str(self.folder), safe='')}&port={_PORT}"

    def close(self) -> None:
        self._process.kill()  # what it is asked kindly it does when all have left
        self._process.wait()
        shutil.rmtree(self.folder)
