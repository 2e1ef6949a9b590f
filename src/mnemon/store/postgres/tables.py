"""Which tables there are, by how a distributed database would spread them."""

from __future__ import annotations

TENANT_TABLES = (
    "counters", "namespaces", "cubes", "versions", "speakers", "spans", "links", "usage", "vectors",
    "words", "artifacts", "artifact_sources", "journal", "jobs", "job_cubes",
    "job_files",
    "quotas", "holdings", "retention", "holds", "removals", "promotions", "withheld", "budgets",
)  # fmt: skip
"""Spread by `tenant`; all rows of one lie together."""

SERVERS_TABLES = ("keys", "sessions", "audit", "audit_head", "rates", "rounds")
"""What servers share beside the memory: spread like those, but all rows are tenant 0's, which is
nobody's. Only a transaction about it sees them, none about the whole store."""

DIRECTORY = "directory"
"""Spread by `id`: what is asked of it is whose an id is."""

SHARED_TABLES = ("store", "spaces", "tenants", "migrations", "places")
"""The same on every node."""
