"""The embedded store: its file, its one writer, its connections."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from mnemon import Memory
from mnemon.errors import StoreBusy, StoreClosed, StoreCorrupt
from mnemon.store import open_store
from mnemon.store.rows import Filter
from mnemon.store.sqlite.migrate import scripts

from ..conformance.rows import block


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.db"


@pytest.fixture
def store(path):
    store = open_store(str(path))
    yield store
    store.close()


def asked(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_migrations_are_numbered_without_gaps_and_recorded(store, path):
    numbers = [number for number, _, _ in scripts()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert asked(path, "SELECT number, name FROM migrations") == [(n, t) for n, t, _ in scripts()]
    assert asked(path, "PRAGMA user_version") == [(len(numbers),)]


def test_opening_again_changes_nothing(store, path):
    before = asked(path, "SELECT * FROM store ORDER BY key")
    open_store(str(path)).close()
    assert asked(path, "SELECT * FROM store ORDER BY key") == before
    assert {key for key, _ in before} >= {"id", "created_at", "analysis"}


def test_what_returned_is_on_the_disk_and_deleted_bytes_are_zeroed(path):
    code = (
        "import sys; from mnemon.store import open_store\n"
        "with open_store(sys.argv[1])._connections.read() as connection:\n"
        "    for name in ('synchronous', 'secure_delete', 'journal_mode'):\n"
        "        print(*connection.execute(f'PRAGMA {name}').fetchone())"
    )  # a process of its own: in this one, tests do not wait for the disk
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert done.stdout.split() == ["2", "1", "wal"], done.stderr


def test_one_failing_operation_harms_no_other_in_its_commit(store):
    store._writer.run(lambda c: c.execute("CREATE TABLE t (x UNIQUE)"))
    start, errors = threading.Barrier(20), []

    def insert(number):
        start.wait()
        try:
            store._writer.run(lambda c: c.execute("INSERT INTO t VALUES (?)", (number // 2,)))
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            errors.append(error)

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 10
    assert store._read(lambda c: c.execute("SELECT count(*) FROM t").fetchone()) == (10,)


def test_a_read_sees_one_moment(store):
    with store._connections.read() as connection:
        before = connection.execute("SELECT count(*) FROM store").fetchone()
        store._writer.run(lambda c: c.execute("INSERT INTO store VALUES ('x', 'y')"))
        assert connection.execute("SELECT count(*) FROM store").fetchone() == before
    assert store._read(lambda c: c.execute("SELECT count(*) FROM store").fetchone()) != before


def test_a_reader_that_finishes_after_closing_leaves_nothing_open(store, path):
    reading = store._connections.read()
    reading.__enter__()
    store.close()
    reading.__exit__(None, None, None)
    assert [file.name for file in path.parent.iterdir()] == ["memory.db"]
    with pytest.raises(StoreClosed):
        store.count(Filter("default"))


def test_a_file_that_another_process_is_shortening_is_looked_at_again(store, path):
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    mended = threading.Timer(0.02, path.write_bytes, [whole])
    mended.start()
    open_store(str(path)).close()
    mended.join()
    path.write_bytes(whole[:-1])
    with pytest.raises(StoreCorrupt):
        open_store(str(path))


def test_a_store_of_the_first_layout_gets_its_queue(path, monkeypatch):
    first = scripts()[:1]
    with monkeypatch.context() as before:
        before.setattr(sys.modules["mnemon.store.sqlite.migrate"], "scripts", lambda: first)
        Memory(path).close()
        connection = sqlite3.connect(path)
        connection.execute("INSERT INTO namespaces (path) VALUES ('kept')")
        connection.commit()
        connection.close()
    old = open_store(str(path), read_only=True)
    assert old.fsck(repair=False) == []
    old.close()
    with Memory(path) as memory:
        memory.jobs.start(0)
        memory.jobs.reflect(namespace="kept")
        assert [job.state for job in memory.jobs.list(namespace="kept")] == ["waiting"]
        assert memory.fsck() == []
    assert asked(path, "SELECT path FROM namespaces") == [("kept",)]


def test_a_store_from_before_places_keeps_its_artifacts(path):
    with Memory(path) as memory:
        cube = memory.add("a harbour")
        made = memory.artifacts.derive("summary", [cube], b"harbour", method="m@1")
    with sqlite3.connect(path) as raw:  # as the layout before had it
        raw.execute("DROP INDEX artifacts_parent")
        raw.execute("ALTER TABLE artifacts DROP COLUMN parent")
        raw.execute("DROP TABLE places")
        raw.execute("DROP TABLE removals")
        raw.executescript("DROP TABLE promotions; DROP TABLE withheld; DROP TABLE budgets")
        for column in ("helpful", "unhelpful"):
            raw.execute(f"ALTER TABLE artifacts DROP COLUMN {column}")
        raw.execute("ALTER TABLE quotas DROP COLUMN rate")
        raw.execute("DELETE FROM migrations WHERE number >= 5")
        raw.execute("PRAGMA user_version = 4")
    raw.close()
    with Memory(path, read_only=True) as memory:
        assert memory.artifacts.open(made.key).payload == b"harbour"
        assert memory.artifacts.list()[0].parent is None and memory.artifacts.places() == []
        assert memory._store.withheld() == [] == memory._store.promotions("default")
        assert memory._store.budgets() == [] == memory._store.quotas() == memory._store.rates()
        assert memory.fsck() == []
    with Memory(path) as memory:
        assert memory.artifacts.open(made.key).payload == b"harbour"
        memory._store.write_artifact(block("k", made.key, namespace="default"), "me")
        assert memory.forget(cube.id).artifacts == 2
        assert memory.fsck() == []


def test_an_artifact_that_continues_nothing_is_found_and_dropped(path):
    with Memory(path) as memory:
        cube = memory.add("a harbour")
        store = memory._store
        store.add_place("s3://x", None, "")
        store.write_artifact(block("a", None, (cube.id, 1), namespace="default"), "me")
        store.write_artifact(block("b", "a", namespace="default"), "me")
        store.write_artifact(block("c", "b", namespace="default"), "me")
        store._writer.run(lambda c: c.execute("DELETE FROM artifacts WHERE key = 'a'"))
        assert {one.rule for one in store.fsck(repair=False)} == {
            "artifact-parents", "artifact-sources",
        }  # fmt: skip
        assert store.fsck(repair=True) == []
        assert [one.keys for one in store.waiting()] == [("b", "c")]
        assert store.artifacts("default", None, None) == []


def test_a_store_that_another_process_is_just_making_is_no_strangers_file(tmp_path, monkeypatch):
    path = str(tmp_path / "new.db")
    migrations = sys.modules[scripts.__module__]
    monkeypatch.setattr(migrations, "_PATIENCE_S", 0.05)
    one, two = (sqlite3.connect(path, isolation_level=None, timeout=0.0) for _ in range(2))

    def another(statement):
        if "sqlite_master" in statement:
            one.set_trace_callback(None)
            with suppress(StoreBusy):  # it is still being looked at: the other one comes later
                migrations.migrate(two, path)

    one.set_trace_callback(another)
    migrations.migrate(one, path)
    assert migrations.check(two, path) == len(scripts())
    one.close()
    two.close()
