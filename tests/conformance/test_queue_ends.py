"""How jobs end: failed, dead, given back, cancelled, swept, purged with what they name."""

from __future__ import annotations

import pytest

from mnemon.errors import NotFound
from mnemon.store.queue import LOST

from .jobs import CALLS, LONG, WRONG, expire, put, state, take
from .rows import ME, add


def test_what_failed_is_tried_again_later_and_at_last_is_dead(store):
    id = put(store, max_attempts=3)
    assert store.queue.fail(take(store), WRONG, LONG)
    job = store.queue.get(id)
    assert (job.state, job.attempts, job.error) == ("waiting", 1, WRONG)
    assert job.due_at > job.started_at
    assert store.queue.claim(CALLS, LONG) is None
    other = put(store, max_attempts=2)
    for _ in range(2):
        assert store.queue.fail(take(store), WRONG, 0.0)
    dead = store.queue.get(other)
    assert (dead.state, dead.attempts, dead.error) == ("dead", 2, WRONG)
    assert dead.finished_at is not None
    final = put(store)
    store.queue.fail(take(store), WRONG, None)
    assert state(store, final) == "dead"
    assert {one.id for one in store.queue.list(None, state="dead")} == {other, final}


def test_a_job_that_kills_its_processes_dies_in_the_end(store):
    id = put(store, max_attempts=2)
    for _ in range(2):
        expire(store)
    assert store.queue.claim(CALLS, LONG) is None
    job = store.queue.get(id)
    assert (job.state, job.error["type"]) == ("dead", LOST["type"])


def test_a_dead_letter_is_put_back_with_all_its_attempts(store):
    id = put(store, max_attempts=2)
    store.queue.fail(take(store), WRONG, None)
    job = store.queue.retry(id)
    assert (job.state, job.attempts, job.error, job.finished_at) == ("waiting", 0, None, None)
    claim = take(store)
    assert store.queue.retry(id).state == "running"
    assert store.queue.finish(claim, 1)
    assert store.queue.retry(id).state == "done"


def test_what_is_given_back_costs_no_attempt(store):
    id = put(store, max_attempts=1)
    for _ in range(3):
        claim = take(store)
        assert store.queue.release(claim)
        assert not store.queue.release(claim)
        job = store.queue.get(id)
        assert (job.state, job.attempts) == ("waiting", 0)


def test_cancelling(store):
    waiting = put(store)
    assert store.queue.cancel(waiting).state == "cancelled"
    assert store.queue.claim(CALLS, LONG) is None
    for end in (
        lambda claim: store.queue.release(claim),
        lambda claim: store.queue.fail(claim, WRONG, 0.0),
        lambda claim: store.queue.fail(claim, WRONG, None),
    ):
        id = put(store)
        claim = take(store)
        asked = store.queue.cancel(id)
        assert (asked.state, asked.cancelling) == ("running", True)
        assert store.queue.renew(claim, LONG).cancelling
        assert end(claim)
        job = store.queue.get(id)
        assert (job.state, job.cancelling, job.finished) == ("cancelled", False, True)
    id = put(store)
    claim = take(store)
    store.queue.cancel(id)
    assert store.queue.finish(claim, 1)  # it was faster
    assert store.queue.cancel(id).state == "done"
    id = put(store)
    expire(store)
    store.queue.cancel(id)
    assert store.queue.claim(CALLS, LONG) is None
    assert state(store, id) == "cancelled"
    dead = put(store)
    store.queue.fail(take(store), WRONG, None)
    assert store.queue.cancel(dead).state == "cancelled"
    assert store.queue.retry(dead).state == "cancelled"


def test_sweeping(store):
    done, dead, cancelled, waiting = (put(store) for _ in range(4))
    store.queue.finish(take(store), 1)
    store.queue.fail(take(store), WRONG, None)
    store.queue.cancel(cancelled)
    assert store.queue.sweep(LONG, LONG) == []
    assert set(store.queue.sweep(0.0, LONG)) == {done, cancelled}
    assert [job.id for job in store.queue.list(None)] == [waiting, dead]
    assert store.queue.sweep(LONG, 0.0) == [dead]
    running = take(store)
    assert store.queue.sweep(0.0, 0.0) == [] and running.job.id == waiting


def test_jobs_die_with_a_purge_of_what_they_name(store):
    kept, gone = add(store, "kept", "gone")
    named = put(store, cubes=(gone, kept))
    other = put(store, cubes=(kept,))
    running = take(store)
    assert running.job.cubes == tuple(sorted((gone, kept)))
    purged, _ = store.purge([gone], ME)
    assert purged.jobs == (named,)
    assert store.queue.get(named) is None
    assert store.queue.renew(running, LONG) is None and not store.queue.finish(running, 1)
    assert [job.id for job in store.queue.list(None)] == [other]
    with pytest.raises(NotFound, match=gone):
        put(store, cubes=(gone,))


def test_jobs_die_with_the_last_cube_of_their_namespace(store):
    (one,) = add(store, "one", namespace="acme/ana")
    (below,) = add(store, "below", namespace="acme/ana/notes")
    (ben,) = add(store, "ben", namespace="acme/ben")
    ana, notes = put(store, namespace="acme/ana"), put(store, namespace="acme/ana/notes")
    acme, empty = put(store, namespace="acme"), put(store, namespace="new")
    whole = put(store, namespace=None)
    store.purge([one], ME)
    assert store.queue.get(ana) is not None
    assert store.purge([below], ME)[0].jobs in ((ana, notes), (notes, ana))
    assert {job.id for job in store.queue.list(None)} == {acme, empty, whole}
    store.retire([ben], ME)
    assert store.queue.get(acme) is not None
    assert store.purge([ben], ME)[0].jobs == (acme,)
