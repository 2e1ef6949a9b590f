"""PostgreSQL's errors in our words, and which of them mean that trying again may help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg_pool

from mnemon import errors

_REFUSED = (
    ": the role must own Mnemon's tables; see docs/postgresql.md for the statements that make one"
)
_MEANING: dict[str, tuple[type[errors.StoreError], str]] = {
    "55P03": (errors.StoreBusy, ": another writer held it longer than the timeout; try again"),
    "57014": (errors.StoreBusy, ": it took longer than the server allows; try again"),
    "40001": (errors.StoreBusy, ": other writers kept coming first; try again"),
    "40P01": (errors.StoreBusy, ": other writers kept coming first; try again"),
    "25P03": (errors.StoreBusy, ": this process stood still in the middle of it; try again"),
    "53300": (errors.StoreBusy, ": raise max_connections, or run fewer replicas"),
    "53100": (
        errors.StoreFull,
        ": nothing of this write was kept, everything before it is safe; make room and repeat it",
    ),
    "25006": (
        errors.StoreReadOnly,
        ": it is a standby or set to read only; use the primary, or open it with read_only=True",
    ),
    "42501": (errors.StoreError, _REFUSED),
    "XX001": (errors.StoreCorrupt, ": a table is damaged; restore a backup or an export"),
    "XX002": (errors.StoreCorrupt, ": an index is damaged; run REINDEX, then `mnemon fsck`"),
}
_AWAY = (
    ": check that the server runs, that the database and the role exist (docs/postgresql.md), and "
    "the password"
)
# PgBouncer's own errors have one code in common, so they are told apart by what they say.
_POOLER: dict[str, tuple[type[errors.StoreError], str]] = {
    "statement pooling mode": (
        errors.StoreError,
        ": a pooler is in between that takes transactions apart; set its pool_mode to transaction "
        "or session",
    ),
    "unsupported startup parameter": (
        errors.StoreError,
        ": a pooler is in between that passes no settings on; take `options=` out of the address "
        "and keep them with the role: ALTER ROLE mnemon SET …",
    ),
    "query_wait_timeout": (
        errors.StoreBusy,
        ": the pooler had no connection of the server's to give; the server is down, or the "
        "pooler's default_pool_size is too small",
    ),
    "no more connections allowed": (
        errors.StoreBusy,
        ": raise the pooler's max_client_conn, or run fewer replicas",
    ),
}
_AGAIN = frozenset({"40001", "40P01", "25P03"})
_DOWN = frozenset({"57P01", "57P02", "57P03"})


def away(error: BaseException) -> bool:
    """Whether the server is gone or going: another connection, a little later, may do."""
    if isinstance(error, psycopg_pool.PoolTimeout):
        return False  # it has waited as long as it may
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    code = error.sqlstate
    return code is None or code in _DOWN or code.startswith("08")


def undone(error: BaseException) -> bool:
    """Whether the server gave the transaction up so that another one could go on."""
    return isinstance(error, psycopg.Error) and error.sqlstate in _AGAIN


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Turn psycopg's errors into ours, with what to do about them. Values of rows, which a
    message's details may hold, are left out."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise errors.InvalidText(f"{error.object[:80]!r} has a lone surrogate: mend it") from error
    except psycopg_pool.PoolTimeout as error:
        raise errors.StoreBusy(
            f"{address}: no connection within the timeout: the server is down, or all of its "
            "connections are in use; try again"
        ) from error
    except psycopg.Error as error:
        said = _said(error)
        kind, advice = _meaning(error, said)
        raise kind(f"{address}: {said}{advice}") from error


def _meaning(error: psycopg.Error, said: str) -> tuple[type[errors.StoreError], str]:
    for words, meaning in _POOLER.items():
        if words in said:
            return meaning
    kind, advice = _MEANING.get(error.sqlstate or "", (errors.StoreError, ""))
    return kind, _AWAY if away(error) else advice


def _said(error: psycopg.Error) -> str:
    primary = error.diag.message_primary
    return primary or " ".join(str(error).split()) or type(error).__name__
