"""Behind a pooler, where a connection of the server's serves one client after another."""

from __future__ import annotations

import threading
from contextlib import closing

import psycopg
import pytest

from mnemon import Memory
from mnemon.errors import StoreError
from mnemon.store import open_store
from mnemon.store.rows import Filter

from ...conformance.jobs import CALLS, LONG
from ...conformance.jobs import new as job
from ...conformance.rows import ME, add, artifact, found, new
from . import test_jobs, test_replicas
from .test_replicas import at_once

ANA, BEN = "ana/notes", "ben/notes"
_ITS_OWN = ("application_name", "client_encoding", "DateStyle", "TimeZone")  # PgBouncer sets these


@pytest.fixture(scope="module")
def poolers(postgresql):
    """Poolers by mode and number of connections, started when they are asked for."""
    running = {}

    def pooler(mode, size):
        if (mode, size) not in running:
            running[mode, size] = postgresql.pooler(mode, size)
        return running[mode, size]

    yield pooler
    for one in running.values():
        one.close()


@pytest.fixture(params=["session", "transaction"])
def mode(request):
    return request.param


@pytest.fixture
def url(database, poolers, mode):
    """For tests of other files: more replicas than the transaction pooler has connections."""
    database()
    return poolers(mode, 40 if mode == "session" else 2).url("one")


@pytest.fixture
def narrow(database, poolers, mode):
    """Through one single connection of the server's, which nobody has used before."""
    database()
    one = poolers(mode, 1)
    return one.url("one")


test_reads_see_writes = test_replicas.test_what_one_replica_writes_the_other_reads_at_once
test_readers_follow_writers = test_replicas.test_a_reader_never_passes_a_number_that_comes_later
test_one_update_wins = test_replicas.test_one_of_many_updates_wins_and_the_others_are_told
test_a_job_is_done_once = test_jobs.test_replicas_that_claim_and_finish_at_once_do_each_job_once


def tenants(store, namespace):
    """Whose rows a transaction about a tenant sees if it does not say whose it wants."""
    query = "SELECT DISTINCT tenant FROM versions"
    return store._in(namespace, lambda c, tenant: [row[0] for row in c.execute(query)])


@pytest.mark.parametrize("mode", ["transaction"])
def test_tenants_take_turns_on_one_connection_and_see_their_own(narrow):
    with closing(open_store(narrow)) as one, closing(open_store(narrow)) as two:
        for store, namespace in ((one, ANA), (two, BEN)):
            add(store, f"of {namespace}", namespace=namespace)
        (ana,), (ben,) = tenants(one, ANA), tenants(two, BEN)
        assert ana != ben
        done, leaked = threading.Event(), []

        def work(store, namespace, mine):
            for n in range(12):
                add(store, f"{n} of {namespace}", namespace=namespace)
                assert tenants(store, namespace) == [mine]
                assert all(namespace in text for text in found(store, namespace))
                assert len(store.namespaces(None)) == 2  # the whole store, in between

        def look():
            while not done.is_set():
                with psycopg.connect(narrow, autocommit=True) as plain:
                    leaked.extend(plain.execute("SELECT tenant FROM versions"))

        watching = threading.Thread(target=look)
        watching.start()
        ended = at_once(
            lambda: work(one, ANA, ana), lambda: work(two, BEN, ben), lambda: work(two, ANA, ana)
        )
        done.set()
        watching.join()
        assert (ended, leaked) == ([None] * 3, [])


def everything(store):
    """Calls of every kind, often enough that statements would be prepared."""
    for n in range(8):
        (one, two), _ = add(store, f"cat {n}", f"dog {n}", namespace=ANA), add(store, "x")
        assert store.update(one, 1, new("changed"), None, ME, "update") == 2
        store.write_artifact(artifact(f"key {n}", (two, 1), namespace=ANA), ME)
        assert store.postings(store.headers(ANA, 0)[1], ["dog"])
        store.queue.enqueue(job(namespace=ANA))
        assert store.queue.finish(store.queue.claim(CALLS, LONG), None)
        store.shared.tell("UPDATE audit_head SET seq = %(seq)s WHERE tenant = 0 RETURNING 1", seq=n)
        assert store.purge([two], ME)[1]
    assert list(store.dump(None)) and store.fsck(repair=True) == []


def test_nothing_is_left_on_a_connection_for_the_next_client(narrow, postgresql):
    with closing(psycopg.connect(narrow, autocommit=True)) as before:
        (pid,) = before.execute("SELECT pg_backend_pid()").fetchone()
    with closing(open_store(narrow)) as store:
        everything(store)
    with (
        closing(open_store(narrow, timeout=0.2)) as store,
        psycopg.connect(postgresql.url("one", "postgres")) as busy,
    ):
        busy.execute("LOCK TABLE words IN SHARE UPDATE EXCLUSIVE MODE")
        assert not store.purge(add(store, "one"), ME)[1]
    with closing(psycopg.connect(narrow, autocommit=True)) as after:
        assert after.execute("SELECT pg_backend_pid()").fetchone() == (pid,)
        settings = after.execute("SELECT name FROM pg_settings WHERE source = 'session'").fetchall()
        assert {name for (name,) in settings} <= {*_ITS_OWN}
        for name in ("mnemon.tenant", "mnemon.whole"):
            (value,) = after.execute("SELECT current_setting(%s, true)", (name,)).fetchone()
            assert not value
        for kept in (
            "pg_prepared_statements", "pg_cursors", "pg_listening_channels()",
            "pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'",
            "pg_class WHERE relpersistence = 't'",
        ):  # fmt: skip
            assert after.execute(f"SELECT * FROM {kept}").fetchall() == []


@pytest.mark.parametrize("mode", ["transaction"])
def test_what_another_client_set_for_its_session_is_not_heard(narrow):
    with closing(open_store(narrow)) as store:
        for namespace in (ANA, BEN):
            add(store, namespace, namespace=namespace)
        (ana,), (ben,) = tenants(store, ANA), tenants(store, BEN)
        others = {"mnemon.whole": "on", "mnemon.tenant": str(ben), "synchronous_commit": "off"}
        with closing(psycopg.connect(narrow, autocommit=True)) as careless:
            for name, value in others.items():
                careless.execute("SELECT set_config(%s, %s, false)", (name, value))
            assert len(careless.execute("SELECT * FROM versions").fetchall()) == 2
            try:
                assert tenants(store, ANA) == [ana]
                assert store.count(Filter(ANA)) == 1
                query = "SELECT tenant, current_setting('synchronous_commit') FROM versions"
                written = store._write(ANA, lambda turn: turn.connection.execute(query).fetchall())
                assert written == [(ana, "on")]
            finally:
                for name in others:
                    careless.execute(f"RESET {name}")


def test_a_memory_is_what_it_is_without_a_pooler(url):
    with Memory(url, namespace=ANA) as one, Memory(url, namespace=ANA) as two:
        cube = one.add("Ana moved to Lisbon.", speaker="Ana")
        for _ in range(8):
            assert two.search("Where does Ana live?")[0].cube.id == cube.id
        assert two.forget(cube.id, purge=True).versions == 1
        assert one.search("Where does Ana live?") == []
        assert one.fsck() == []


@pytest.mark.parametrize("read_only", [False, True])
def test_a_pooler_that_takes_transactions_apart_is_refused(database, poolers, read_only):
    open_store(database()).close()
    with pytest.raises(StoreError, match="transaction or session"):
        open_store(poolers("statement", 1).url("one"), read_only=read_only)


@pytest.mark.parametrize("more", ["", "ignore_startup_parameters = options\n"])
def test_settings_in_the_address_that_a_pooler_keeps_back_are_told(postgresql, database, more):
    database()
    asked = "&options=-csearch_path%3Delsewhere"
    with closing(postgresql.pooler("transaction", 1, more)) as pooler:
        with pytest.raises(StoreError, match="ALTER ROLE mnemon SET"):
            open_store(pooler.url("one") + asked)
        open_store(pooler.url("one")).close()
