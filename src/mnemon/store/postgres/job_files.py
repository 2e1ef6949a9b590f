"""Files that jobs are to read, in the database, so that whoever claims the job has it.

In pieces: a file may be larger than any value. They are written with the job, and deleted with it
or as soon as it is done or cancelled.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

_PIECE = 2**20


def keep(connection: Connection[Any], tenant: int, job: str, file: Path) -> None:
    """Write the file of a job that was just written."""
    with file.open("rb") as opened:
        position, piece = 0, opened.read(_PIECE)
        while piece or not position:  # an empty file is one
            connection.execute(
                "INSERT INTO job_files (tenant, job, position, piece) VALUES (%s, %s, %s, %b)",
                (tenant, job, position, piece),
            )
            position, piece = position + 1, opened.read(_PIECE)


def bring(connection: Connection[Any], job: str, to: Path) -> None:
    """Write a job's file to a place, under its name only when it is whole; nothing if it has none
    any more."""
    partial = to.with_name(f".{to.name}.partial")
    with connection.cursor(name="job_file", binary=True) as pieces:
        pieces.itersize = 4
        pieces.execute("SELECT piece FROM job_files WHERE job = %s ORDER BY position", (job,))
        with partial.open("wb") as file:
            for (piece,) in pieces:
                file.write(piece)
        partial.replace(to) if pieces.rownumber else partial.unlink()


def drop(connection: Connection[Any], job: str | None = None) -> None:
    """Delete the files of jobs that are done or cancelled: of one, or of all."""
    connection.execute(
        "DELETE FROM job_files WHERE (%(job)s::text IS NULL OR job = %(job)s) AND (tenant, job) IN "
        "(SELECT tenant, id FROM jobs WHERE state IN ('done', 'cancelled') "
        "AND (%(job)s::text IS NULL OR id = %(job)s))",
        {"job": job},
    )
