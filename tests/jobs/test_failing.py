"""What fails is tried again or dies, and can be put back; what it keeps quotes nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.errors import EmbedderError, InvalidInput, JobLost, StoreBusy
from mnemon.jobs import failing
from mnemon.jobs.backoff import LONGEST_S, delay
from mnemon.jobs.worker import Worker
from mnemon.store.queue import LOST
from mnemon.wire import problems

PATIENT = 30.0


def test_what_fails_for_good_is_a_dead_letter_that_can_be_put_back(memory, path):
    job = memory.jobs.reindex("nothing", wait=PATIENT)
    assert (job.state, job.attempts) == ("dead", 1)
    assert job.error["type"] == "urn:mnemon:unknown-name" and "static" in job.error["detail"]
    assert [one.id for one in memory.jobs.list(state="dead")] == [job.id]
    assert memory.jobs.retry(job.id).attempts in (0, 1)
    again = memory.jobs.get(job.id, wait=PATIENT)
    assert (again.state, again.attempts) == ("dead", 1)
    done = memory.jobs.fsck(wait=PATIENT)
    with pytest.raises(InvalidInput, match="done"):
        memory.jobs.retry(done.id)


def test_what_may_pass_is_tried_again(idle, monkeypatch):
    fails = [StoreBusy("busy"), EmbedderError("down"), KeyError("of ours")]

    def reflect(self, *, namespace, progress):
        if fails:
            raise fails.pop()
        return 9

    monkeypatch.setattr(Memory, "reflect", reflect)
    id = idle.jobs.reflect().id
    worker = Worker(idle, idle._store, first_retry=0.001)
    errors = []
    while not (job := idle.jobs.get(id)).finished:
        if worker.step() is not None:
            errors.append(idle.jobs.get(id).error["detail"])
    assert (job.state, job.result, job.attempts) == ("done", 9, 4)
    assert errors[0].startswith("KeyError at test_failing.py:") and "of ours" not in errors[0]
    assert errors[1:3] == ["down", "busy"]


def test_what_never_passes_dies(idle, monkeypatch):
    monkeypatch.setattr(Memory, "reflect", lambda self, **_: (_ for _ in ()).throw(OSError("x")))
    id = idle.jobs.reflect().id
    worker = Worker(idle, idle._store, first_retry=0.0)
    while not idle.jobs.get(id).finished:
        worker.step()
    job = idle.jobs.get(id)
    assert (job.state, job.attempts) == ("dead", 8)


@given(st.integers(1, 10_000), st.floats(0.01, 10))
def test_waits_grow_and_differ(attempts, first):
    low, high = delay(attempts, first), delay(attempts + 2, first)
    assert first / 2 <= low <= LONGEST_S
    assert low <= high or high > LONGEST_S / 2


def test_a_lost_job_has_an_error_as_any_other():
    assert problems.document(JobLost(LOST["detail"])) == LOST


def test_no_content_is_kept_of_an_import(memory, path, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"content": "fine"}\n{"content": "x", "at": "the secret zebra"}\n')
    direct = memory.import_(bad)
    assert "zebra" in direct.malformed[0][1]
    job = memory.jobs.import_(bad, wait=PATIENT)
    assert (job.result.known + job.result.added, len(job.result.malformed)) == (1, 1)
    assert job.result.malformed[0][0] == direct.malformed[0][0]
    assert "zebra" not in str(job.result)
    for error in (InvalidInput("a"), memory_error("the zebra")):
        assert "zebra" not in str(failing.document(error))


def memory_error(text):
    with pytest.raises(InvalidInput) as raised, Memory(":memory:") as memory:
        memory.add("x", at=text)
    return raised.value


def test_a_worker_outlives_a_busy_store(memory, monkeypatch):
    class Busy:
        def __init__(self, queue):
            self.queue, self.times = queue, 0

        def __getattr__(self, name):
            return getattr(self.queue, name)

        def claim(self, *given):
            self.times += 1
            if self.times < 2:
                raise StoreBusy("busy")
            return self.queue.claim(*given)

    memory._store.queue = Busy(memory._store.queue)
    assert memory.jobs.reflect(wait=PATIENT).state == "done"
