"""The server beneath: what happens when it goes away, and what people are told."""

from __future__ import annotations

import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from mnemon import Memory
from mnemon.errors import (
    InvalidInput,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreReadOnly,
    StoreTooNew,
)
from mnemon.store import open_store
from mnemon.store.rows import Filter

from ...conformance.rows import HOME, ME, add, found, new


@pytest.fixture
def restart(postgresql):
    """Stops the server hard and starts it again after a while, beside the test."""

    def restart(pause):
        postgresql.stop()
        starting = threading.Timer(pause, postgresql.start)
        starting.start()
        return starting

    return restart


def test_a_restart_midway_is_waited_for(store, restart):
    ids = add(store, "before")
    starting = restart(0.3)
    assert found(store) == ["before"]  # asked while nobody listens
    starting.join()
    restart(0.3)
    ids += add(store, "after", key="k")
    assert found(store) == ["before", "after"]
    assert store.update(ids[0], 1, new("changed"), None, ME, "update") == 2


def test_a_server_that_stays_away_is_told_as_such(replica, postgresql):
    store = replica(timeout=0.5)
    add(store, "one")
    postgresql.stop()
    try:
        with pytest.raises(StoreError, match=r"server"):
            found(store)
        with pytest.raises(StoreError, match=r"server"):
            add(store, "two")
    finally:
        postgresql.start()
    assert found(store) == ["one"]


def test_a_write_that_broke_off_before_its_commit_is_made_once(store, url, postgresql):
    """The connection is cut while the writer waits for its turn."""
    add(store, "one")
    with psycopg.connect(url) as busy:
        busy.execute("SET LOCAL mnemon.whole = 'on'")
        busy.execute("SELECT * FROM counters FOR UPDATE")
        writing = threading.Thread(target=add, args=(store, "two"))
        writing.start()
        with psycopg.connect(postgresql.url("one", "postgres"), autocommit=True) as admin:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = %s"
            while not admin.execute(cut, ("transactionid",)).fetchone():
                time.sleep(0.01)
        busy.rollback()
    writing.join()
    assert found(store) == ["one", "two"]


def test_a_write_whose_commit_broke_off_is_not_repeated_blindly(store, url, postgresql):
    (id,) = add(store, "one")
    with psycopg.connect(postgresql.url("one", "postgres"), autocommit=True) as admin:
        admin.execute(  # a commit that dies at its very end
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
        )
        admin.execute(
            "CREATE CONSTRAINT TRIGGER dying AFTER INSERT ON versions "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
        )
        try:
            with pytest.raises(StoreError, match="not known: look"):
                store.update(id, 1, new("two"), None, ME, "update")
        finally:
            admin.execute("DROP TRIGGER dying ON versions; DROP FUNCTION die()")
    assert found(store) == ["one"]


def test_what_is_wrong_with_an_address_is_told_without_its_password(url):
    secret = "hunter2"
    for wrong, said in (
        (url.replace("/one?", "/nowhere?"), "database and the role"),
        ("postgresql://mnemon:hunter2@127.0.0.1:1/one?connect_timeout=1", "server"),
        (url.replace("mnemon@", "nobody:hunter2@"), "nobody"),
    ):
        with pytest.raises(StoreError, match=said) as caught:
            open_store(wrong)
        assert secret not in str(caught.value)
    with Memory(url.replace("mnemon@", "mnemon:hunter2@") + "&sslpassword=hunter2") as memory:
        assert secret not in repr(memory) + memory.path
        assert "mnemon@" in memory.path


def test_a_database_of_another_program_is_left_alone(database):
    url = database("another")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE store (shelf int)")
    with pytest.raises(StoreCorrupt, match="a database of its own"):
        open_store(url)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE store")


def test_a_newer_layout_is_refused_untouched(store, url):
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'later', 0)")
    try:
        with pytest.raises(StoreTooNew, match="layout 99"):
            open_store(url)
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM migrations WHERE number = 99")


def test_read_only_reads_and_writes_nothing(store, replica):
    add(store, "one")
    reader = replica(read_only=True)
    assert found(reader) == ["one"]
    with pytest.raises(StoreReadOnly):
        add(reader, "two")


def test_read_only_makes_nothing(postgresql):
    with pytest.raises(StoreError, match="no memory yet"):
        open_store(postgresql.bare("bare"), read_only=True)


def test_a_bound_in_bytes_is_for_files(url):
    with pytest.raises(InvalidInput, match="bounds a file"):
        open_store(url, max_bytes=1)


def test_closing_twice_is_no_error_and_using_what_is_closed_is(url):
    store = open_store(url)
    store.close()
    store.close()
    with pytest.raises(StoreClosed):
        found(store)


def test_a_child_process_uses_connections_of_its_own(store):
    import os

    add(store, "parent")
    child = os.fork()
    if child == 0:
        try:
            add(store, "child")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert found(store) == ["parent", "child"]


def test_a_purge_tells_when_an_old_snapshot_still_sees_the_rows(replica):
    store = replica(timeout=0.3)
    ids = add(store, "one", "two")
    dump = store.dump(None)
    next(dump)
    assert not store.purge(ids[:1], ME)[1]
    assert [problem.rule for problem in store.fsck(repair=False)] == ["purge-pending"]
    dump.close()
    assert store.fsck(repair=True) == []


def test_a_purge_waits_for_a_locked_table_and_tells_when_it_stays_locked(replica, postgresql):
    patient, hasty = replica(), replica(timeout=0.3)
    ids = add(patient, "one", "two")
    with psycopg.connect(postgresql.url("one", "postgres")) as busy:
        busy.execute("LOCK TABLE words IN SHARE UPDATE EXCLUSIVE MODE")
        assert not hasty.purge(ids[:1], ME)[1]
        assert [problem.rule for problem in hasty.fsck(repair=False)] == ["purge-pending"]
        purging = ThreadPoolExecutor(1).submit(patient.purge, ids[1:], ME)
        while not busy.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            time.sleep(0.01)
        assert not purging.done()
        busy.rollback()
    assert purging.result()[1]
    assert patient.fsck(repair=True) == []


def test_a_purge_leaves_no_dead_row(store, postgresql):
    ids = add(store, "quagga quagga", speaker="okapi")
    add(store, "two")
    store.update(ids[0], 1, new("quagga again"), None, ME, "update")
    assert store.purge(ids[:1], ME)[1]
    with psycopg.connect(postgresql.url("one", "postgres")) as admin:
        admin.execute("CHECKPOINT")
        files = admin.execute(
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    rows = b" ".join(row for (file,) in files for row in rows_in(Path(postgresql.data, file)))
    assert b"two" in rows
    assert not any(word in rows for word in (b"quagga", b"okapi"))


def rows_in(file):
    """The bytes of every row in a table's file, dead ones included: what its pages point to."""
    data = file.read_bytes()
    for start in range(0, len(data), 8192):
        page = data[start : start + 8192]
        (lower,) = struct.unpack_from("<H", page, 12)
        for at in range(24, lower, 4):
            (item,) = struct.unpack_from("<I", page, at)
            offset, flags, length = item & 0x7FFF, item >> 15 & 3, item >> 17
            if flags == 1:
                yield page[offset : offset + length]


def test_a_damaged_index_of_words_is_made_again(store, plain):
    add(store, "cat dog")
    plain("DELETE FROM words WHERE term = 'dog'", whole=True)
    assert [problem.rule for problem in store.fsck(repair=False)] == ["words-complete"]
    assert store.fsck(repair=True) == []
    nums = store.headers(HOME, 0)[1]
    assert [len(rows) for rows in store.postings(nums, ["cat", "dog"])] == [1, 1]


def test_many_threads_share_few_connections(store):
    add(store, "one")
    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(store.count, [Filter(HOME)] * 80)) == [1] * 80
