"""The backup that docs/postgresql.md tells of."""

from __future__ import annotations

import pytest

from mnemon import Memory


def test_a_dump_by_a_superuser_is_restored_whole(postgresql, url):
    with Memory(url, namespace="acme/ana") as memory:
        cube = memory.add("Ana moved to Lisbon.", speaker="Ana")
        memory.update(cube.id, "Ana moved to Porto.")
    dump = str(postgresql.folder / "mnemon.dump")
    postgresql.run(
        "pg_dump", "--format=custom", f"--file={dump}", postgresql.url("one", "postgres")
    )
    restored = postgresql.bare("restored")
    postgresql.run("pg_restore", f"--dbname={postgresql.url('restored', 'postgres')}", dump)
    with Memory(restored, namespace="acme/ana") as memory:
        assert [past.content for past in memory.history(cube.id)] == [
            "Ana moved to Lisbon.", "Ana moved to Porto.",
        ]  # fmt: skip
        assert memory.search("Where does Ana live?")[0].cube.id == cube.id
        memory.add("Ana has a cat.")
        assert memory.fsck() == []


def test_a_dump_by_mnemons_own_role_fails_rather_than_being_empty(postgresql, url):
    with Memory(url) as memory:
        memory.add("one")
    with pytest.raises(AssertionError, match="row-level security"):
        postgresql.run("pg_dump", url)
