"""Whose rows a transaction is about, as row-level security asks.

Behind a pooler a connection of the server's serves one client after another. So a transaction says
all of it, for itself alone: nothing of it is left for the next one, and what somebody set for a
whole session is not heard.
"""

from __future__ import annotations

_TOLD = "SET LOCAL citus.propagate_set_commands = 'local'"
"""Citus tells its workers only if it is asked to; where it is not, nobody reads this."""


def about(tenant: int | None) -> list[str]:
    """What to say first in a transaction about a tenant, or (None) the whole store."""
    whole, mine = ("on", "") if tenant is None else ("off", str(int(tenant)))
    return [
        _TOLD, f"SET LOCAL mnemon.whole = '{whole}'", f"SET LOCAL mnemon.tenant = '{mine}'"
    ]  # fmt: skip
