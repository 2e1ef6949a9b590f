"""The database's clock, which machines have in common."""

NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""In SQL: microseconds since 1970."""
