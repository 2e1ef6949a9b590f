"""Several writers and readers over one database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from mnemon.errors import SpaceMoved, StoreBusy, VersionConflict
from mnemon.store import open_store
from mnemon.store.postgres import numbers
from mnemon.store.postgres.migrate import scripts
from mnemon.store.rows import Filter, Space
from mnemon.store.scope import Scope

from ...conformance.rows import HOME, ME, add, found, new


def at_once(*works):
    """Run works at the same moment; their results, or the errors they raised."""
    start = threading.Barrier(len(works))

    def run(work):
        start.wait()
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the caller looks at it
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_what_one_replica_writes_the_other_reads_at_once(replica):
    one, two = replica(), replica()
    scope = Scope(two, HOME)
    (id,) = add(one, "cat")
    for expected in (1, 0):
        view = scope.view(Filter(HOME), None, ["cat"], two.sequence(HOME))
        assert (int(view.eligible.sum()), len(view.postings["cat"][0])) == (expected, 1)
        one.retire([id], ME)
    one.purge([id], ME)
    assert len(scope.view(Filter(HOME), None, [], two.sequence(HOME)).rows) == 0


def test_a_reader_never_passes_a_number_that_comes_later(replica):
    """Readers follow by number while others write: they see every row, in order, once."""
    writers, reader = [replica() for _ in range(3)], replica()
    each, seen, done = 25, [], threading.Event()

    def follow():
        last = 0
        while True:
            ended = done.is_set()
            for row in reader.headers(HOME, last)[2].columns:
                assert row[0] > last
                last = row[0]
                seen.append(row[0])
            if ended:
                return

    following = threading.Thread(target=follow)
    following.start()
    failed = [
        error
        for error in at_once(
            *(lambda w=w: [add(w, f"{i}") for i in range(each)] for w in writers * 2)
        )
        if isinstance(error, Exception)
    ]
    done.set()
    following.join()
    assert failed == []
    assert len(seen) == len(set(seen)) == 6 * each
    events = reader.journal(HOME, None, 0, 1000)
    assert [event.seq for event in events] == list(range(1, 6 * each + 1))


def test_a_number_is_not_seen_before_a_lower_one(store, replica, url):
    add(store, "one")
    before = store.sequence(HOME)
    with psycopg.connect(url) as slow:  # a writer that has its numbers and does not commit
        slow.execute("SET LOCAL mnemon.whole = 'on'")
        slow.execute("UPDATE counters SET seq = seq + 1, row = row + 1")
        fast = threading.Thread(target=add, args=(replica(), "two"))
        fast.start()
        fast.join(0.2)
        assert fast.is_alive()
        assert store.sequence(HOME) == before
        slow.rollback()
    fast.join()
    assert found(store) == ["one", "two"]


def test_one_of_many_updates_wins_and_the_others_are_told(replica):
    stores = [replica() for _ in range(4)]
    (id,) = add(stores[0], "old")
    results = at_once(
        *(
            lambda s=s, n=n: s.update(id, 1, new(f"new {n}"), None, ME, "update")
            for n, s in enumerate(stores)
        )
    )
    assert sorted(map(str, (type(one).__name__ for one in results))) == [
        *["VersionConflict"] * 3, "int",
    ]  # fmt: skip
    assert all(one.current == 2 for one in results if isinstance(one, VersionConflict))
    assert len(stores[0].history(HOME, id)) == 2


def test_a_key_is_one_cube_however_many_add_it(replica):
    stores = [replica() for _ in range(4)]
    results = at_once(
        *(lambda s=s: s.add(HOME, [new("one", key="k")], None, ME)[0] for s in stores * 2)
    )
    assert len({one.id for one in results}) == 1
    assert [one.new for one in results].count(True) == 1
    assert found(stores[0]) == ["one"]


def test_migrations_are_applied_once_by_replicas_that_start_together(postgresql):
    url = postgresql.bare("fresh")
    opened = at_once(*[lambda: open_store(url)] * 8)
    assert not any(isinstance(one, Exception) for one in opened)
    for one in opened:
        one.close()
    with psycopg.connect(url) as connection:
        applied = connection.execute("SELECT number, name FROM migrations").fetchall()
    assert applied == [(number, name) for number, name, _ in scripts()]
    assert [number for number, _ in applied] == list(range(1, len(applied) + 1))


def test_a_tenant_is_made_once_by_many(replica, plain):
    results = at_once(*(lambda: add(replica(), "first") for _ in range(6)))
    assert not any(isinstance(one, Exception) for one in results)
    assert len(plain("SELECT * FROM tenants", whole=True)) == 1


def test_a_purge_and_late_writes_leave_nothing(replica):
    one, two = replica(), replica()

    def race():
        ids = add(one, "cat", key="k")
        at_once(
            lambda: one.purge(ids, ME),
            lambda: two.update(ids[0], 1, new("late"), None, ME, "update"),
            lambda: two.count_reads({ids[0]: 1}),
        )
        return one.history(HOME, ids[0])

    assert [race() for _ in range(8)] == [[]] * 8
    assert found(one) == []
    assert one.fsck(repair=False) == []


def test_purges_at_the_same_moment_all_leave_nothing(replica):
    stores = [replica() for _ in range(3)]
    ids = add(stores[0], *(f"{n}" for n in range(6)))
    pairs = zip(stores * 2, ids, strict=True)
    purges = [lambda s=s, one=one: s.purge([one], ME)[1] for s, one in pairs]
    assert at_once(*purges) == [True] * 6
    assert stores[0].fsck(repair=False) == []


def test_writers_of_two_tenants_do_not_wait_for_each_other(store, url):
    add(store, "one", namespace="ana")
    add(store, "one", namespace="ben")
    ana = numbers.of_place(store.headers("ana", 0)[1][0])
    with psycopg.connect(url) as busy:
        busy.execute("SELECT set_config('mnemon.tenant', %s, true)", (str(ana),))
        busy.execute("SELECT * FROM counters WHERE tenant = %s FOR UPDATE", (ana,))
        add(store, "two", namespace="ben")
        assert found(store, "ben") == ["one", "two"]
        assert found(store, "ana") == ["one"]


def test_who_waits_too_long_is_told_and_wrote_nothing(replica, url):
    patient, hasty = replica(), replica(timeout=0.5)
    add(patient, "one")
    with psycopg.connect(url) as busy:
        busy.execute("SET LOCAL mnemon.whole = 'on'")
        busy.execute("SELECT * FROM counters FOR UPDATE")
        with pytest.raises(StoreBusy, match="try again"):
            add(hasty, "two")
    assert found(patient) == ["one"]


def test_a_deadlock_is_tried_again(replica, url):
    store = replica()
    ids = [add(store, name, namespace=name)[0] for name in ("ana", "ben")]
    ana, ben = (numbers.of_place(store.headers(name, 0)[1][0]) for name in ("ana", "ben"))
    with psycopg.connect(url) as other:
        other.execute("SET LOCAL mnemon.whole = 'on'")
        other.execute("SELECT * FROM counters WHERE tenant = %s FOR UPDATE", (ben,))
        retiring = ThreadPoolExecutor(1).submit(store.retire, ids, ME)
        while not other.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        ).fetchone():
            pass
        try:
            other.execute("SELECT * FROM counters WHERE tenant = %s FOR UPDATE", (ana,))
        except psycopg.errors.DeadlockDetected:
            other.rollback()  # the server chose this one
        else:
            other.rollback()
    assert retiring.result() == (ids, [])


def test_large_artifacts_are_seen_by_every_replica(url):
    from mnemon import Memory

    payload = bytes(range(256)) * 4096
    with Memory(url) as one, Memory(url) as two:
        cube = one.add("We moved to Lisbon.")
        made = one.artifacts.derive("kv", [cube], payload, method="test@1")
        assert two.artifacts.open(made.key).payload == payload
        assert [listed.payload for listed in two.artifacts.list()] == [None]
        one.forget(cube.id, purge=True)
        assert two.artifacts.list() == []


def space(name="small"):
    return Space(name, name, "1", 8, "{}", "active")


def test_many_replicas_may_make_the_first_space_at_once(replica, url):
    stores = [replica() for _ in range(6)]
    for _ in range(15):
        made = at_once(*[lambda one=one: one.create_space(space()) for one in stores])
        assert made == [None] * len(stores)
        assert [one.state for one in stores[0].spaces()] == ["active"]
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM spaces")


def test_who_comes_second_with_another_embedder_is_told_to_look_again(replica):
    one, two = replica(), replica()
    one.create_space(space())
    with pytest.raises(SpaceMoved):
        two.create_space(space("other"))
    assert [known.name for known in two.spaces()] == ["small"]
