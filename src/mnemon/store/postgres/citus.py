"""Spreading the tables over the nodes of a Citus cluster, where the extension is.

All tables of tenants are distributed by `tenant` and colocated, so that a tenant's rows lie
together and its transactions run on one node. What is known everywhere are reference tables. See
docs/postgresql.md for what of this has been run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnemon.store.postgres.tables import (
    DIRECTORY,
    SERVERS_TABLES,
    SHARED_TABLES,
    TENANT_TABLES,
)

if TYPE_CHECKING:
    from psycopg import Connection


def there(connection: Connection[Any]) -> bool:
    """Whether the database has the extension."""
    found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'").fetchone()
    return found is not None


def statements() -> list[tuple[str, str]]:
    """(table, statement that spreads it), those that others refer to first."""
    first, *rest = (*TENANT_TABLES, *SERVERS_TABLES)
    return [
        *((table, f"SELECT create_reference_table('{table}')") for table in SHARED_TABLES),
        (first, f"SELECT create_distributed_table('{first}', 'tenant', colocate_with => 'none')"),
        *(
            (table, f"SELECT create_distributed_table('{table}', 'tenant', "
             f"colocate_with => '{first}')")
            for table in rest
        ),
        (DIRECTORY, f"SELECT create_distributed_table('{DIRECTORY}', 'id', "
         "colocate_with => 'none')"),
    ]  # fmt: skip


def distribute(connection: Connection[Any]) -> list[str]:
    """Spread what is not spread yet; which tables were."""
    done = {
        name
        for (name,) in connection.execute(
            "SELECT logicalrelid::text FROM pg_dist_partition"
        ).fetchall()
    }
    spread = []
    for table, statement in statements():
        if table not in done:
            connection.execute(statement)
            spread.append(table)
    return spread
