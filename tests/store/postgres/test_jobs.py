"""Jobs, limits and layouts where several replicas meet."""

from __future__ import annotations

import time
from functools import partial

import psycopg
import pytest

from mnemon.errors import NotFound, StoreError
from mnemon.job import Job
from mnemon.store import open_store
from mnemon.store.postgres.tables import SERVERS_TABLES

from ...conformance.jobs import CALLS, LONG, SHORT, expire
from ...conformance.jobs import new as job
from ...conformance.rows import HOME, ME, add, artifact, block, new
from .test_replicas import at_once


def test_replicas_never_start_two_of_one_call_in_one_namespace(replica):
    stores = [replica() for _ in range(3)]
    for namespace in [HOME, *[f"n/{n}" for n in range(3)]] * 3:
        stores[0].queue.enqueue(job(namespace=namespace))
    claims = at_once(*[lambda s=s: s.queue.claim(CALLS, LONG) for s in stores * 3])
    running = [claim.job.namespace for claim in claims if claim is not None]
    assert sorted(running) == sorted([HOME, "n/0", "n/1", "n/2"])


def test_a_key_enqueued_everywhere_at_once_is_one_job(replica):
    stores = [replica() for _ in range(3)]
    done = at_once(*[lambda s=s: s.queue.enqueue(job(key="nightly")) for s in stores])
    assert len({one.id for one in done}) == 1
    assert len(stores[0].queue.list(None)) == 1


def test_no_job_outlives_a_purge_that_comes_at_the_same_moment(replica):
    one, two = replica(), replica()
    for _ in range(8):
        (id,) = add(one, "gone")
        named = job(cubes=(id,))
        (purged, _), made = at_once(partial(one.purge, [id], ME), partial(two.queue.enqueue, named))
        assert isinstance(made, NotFound) or (
            isinstance(made, Job) and purged.jobs == (named.id,) and two.queue.get(named.id) is None
        )
    assert one.queue.list(None) == []


def test_a_job_of_the_whole_store_goes_with_a_cube_that_it_names(store):
    (id,) = add(store, "gone", namespace="ben/notes")
    whole = store.queue.enqueue(job(namespace=None, cubes=(id,)))
    other = store.queue.enqueue(job(namespace="acme", cubes=(id,)))
    assert set(store.purge([id], ME)[0].jobs) == {whole.id, other.id}


def test_a_claim_passes_over_a_row_that_somebody_changes(replica, url):
    store = replica(timeout=1.0)
    first, second = (store.queue.enqueue(job(namespace=f"n/{n}")) for n in range(2))
    with psycopg.connect(url) as busy:
        busy.execute("SET LOCAL mnemon.whole = 'on'")
        busy.execute("SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", (first.id,))
        claim = store.queue.claim(CALLS, LONG)
        assert claim is not None and claim.job.id == second.id
        assert store.queue.claim(CALLS, LONG) is None
        busy.rollback()
    assert store.queue.claim(CALLS, LONG).job.id == first.id


def test_what_only_a_machine_that_went_away_can_do_holds_up_nobody(replica, url):
    store = replica()
    lost, next = (store.queue.enqueue(job()) for _ in range(2))
    claim = store.queue.claim(CALLS, SHORT)
    with psycopg.connect(url) as other:
        other.execute("SET LOCAL mnemon.whole = 'on'")
        other.execute("UPDATE jobs SET machine = 'elsewhere' WHERE id = %s", (lost.id,))
    time.sleep(2 * SHORT)
    assert store.queue.claim(CALLS, LONG).job.id == next.id
    assert store.queue.get(lost.id).state == "waiting"
    assert not store.queue.finish(claim, 1)
    assert store.queue.claim(CALLS, LONG) is None


def test_replicas_that_claim_and_finish_at_once_do_each_job_once(replica):
    stores = [replica() for _ in range(3)]
    ids = [stores[0].queue.enqueue(job(namespace=f"n/{n % 4}")).id for n in range(24)]
    done: list[str] = []

    def work(store):
        while len(done) < len(ids):
            claim = store.queue.claim(CALLS, LONG)
            if claim is not None:
                done.append(claim.job.id)
                assert store.queue.finish(claim, None)

    at_once(*[partial(work, store) for store in stores * 2])
    assert sorted(done) == sorted(ids)
    assert {one.attempts for one in stores[0].queue.list(None)} == {1}


def test_a_database_where_two_of_one_call_ran_is_brought_up_to_date(replica, url):
    store = replica()
    first, second = (store.queue.enqueue(job()) for _ in range(2))
    with psycopg.connect(url) as older:
        older.execute("SET LOCAL mnemon.whole = 'on'")
        older.execute("DROP INDEX jobs_running")
        older.execute("DELETE FROM migrations WHERE name = 'one_running'")
        older.execute("UPDATE jobs SET state = 'running', token = id, due_at = due_at + 1000000")
    states = {id: replica().queue.get(id).state for id in (first.id, second.id)}
    assert states == {first.id: "waiting", second.id: "running"}


def test_who_rebuilds_the_store_keeps_his_lease_meanwhile(replica, url):
    store = replica(timeout=1.0)
    store.queue.enqueue(job("reindex"))
    with psycopg.connect(url) as rebuilding:
        rebuilding.execute("LOCK TABLE spaces IN SHARE ROW EXCLUSIVE MODE")
        claim = store.queue.claim(("reindex",), LONG)
        assert store.queue.renew(claim, LONG) is not None
        assert store.queue.finish(claim, 0)
        rebuilding.rollback()


def test_who_lost_his_job_to_another_replica_changes_nothing(replica):
    one, two = replica(), replica()
    id = one.queue.enqueue(job()).id
    late = expire(one)
    heir = two.queue.claim(CALLS, LONG)
    assert heir.job.id == id and one.queue.renew(late, SHORT) is None
    assert not one.queue.finish(late, 1) and two.queue.finish(heir, 2)


def test_an_older_layout_is_brought_up_with_what_it_holds(postgresql):
    url = postgresql.bare("older")
    store = open_store(url)
    (id,) = add(store, "123", namespace="acme")
    store.update(id, 1, new("12345"), None, ME, "update")
    store.write_artifact(artifact("kept", (id, 2), namespace="acme"), ME)
    store.close()
    with psycopg.connect(url) as connection:  # as it was before there were jobs and quotas
        connection.execute(
            "DROP TABLE job_files, job_cubes, jobs, quotas, holdings, retention, holds"
        )
        connection.execute(f"DROP TABLE {', '.join(SERVERS_TABLES)}")
        connection.execute("DROP TABLE places, removals")
        connection.execute("DROP TABLE promotions, withheld, budgets")
        for column in ("parent", "helpful", "unhelpful"):
            connection.execute(f"ALTER TABLE artifacts DROP COLUMN {column}")
        connection.execute("DROP INDEX journal_changes")
        connection.execute("DELETE FROM migrations WHERE number > 2")
    with pytest.raises(StoreError, match="layout 2"):
        open_store(url, read_only=True)
    store = open_store(url)
    store.set_quota("acme", 5, None)
    assert [(one.held_cubes, one.held_bytes) for one in store.quotas()] == [(1, 8)]
    store.write_artifact(block("more", "kept", namespace="acme"), ME)
    assert store.fresh_artifacts("acme", ["kept", "more"]) == {"kept", "more"}
    assert store.artifact("acme", "kept").parent is None
    assert store.fsck(repair=False) == []
    store.close()


def test_wrong_counters_of_quotas_are_found_and_mended(store, plain):
    add(store, "one")
    plain("UPDATE holdings SET cubes = 7", whole=True)
    assert [problem.rule for problem in store.fsck(repair=False)] == ["holdings-counted"]
    assert store.fsck(repair=True) == []
