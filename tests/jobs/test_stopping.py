"""Jobs are cancelled, given back, and taken over."""

from __future__ import annotations

import json
import threading

from mnemon import Memory
from mnemon.jobs.worker import Worker

PATIENT = 30.0


def test_a_running_job_is_watched_and_cancelled(memory, standing):
    begun, _ = standing
    job = memory.jobs.reflect()
    assert begun.wait(PATIENT)
    assert memory.jobs.get(job.id).state == "running"
    asked = memory.jobs.cancel(job.id)
    assert asked.cancelling or asked.state == "cancelled"
    ended = memory.jobs.get(job.id, wait=PATIENT)
    assert (ended.state, ended.result, ended.cancelling) == ("cancelled", None, False)
    assert ended.progress == (1, 2)


def test_a_waiting_job_is_cancelled_at_once(idle):
    job = idle.jobs.reflect()
    assert idle.jobs.cancel(job.id).state == "cancelled"
    assert idle.jobs.run() == []


def test_a_real_reflect_and_a_real_import_stop_at_their_next_step(
    idle, tmp_path, monkeypatch, expiring
):
    queue = idle._store.queue
    expiring(idle, namespace="old")
    lines = tmp_path / "many.jsonl"
    lines.write_text("".join(json.dumps({"content": f"line {n}"}) + "\n" for n in range(1200)))
    for job in (idle.jobs.reflect(namespace="old"), idle.jobs.import_(lines, namespace="new")):
        claim = queue.claim([job.call], PATIENT)
        queue.cancel(job.id)
        Worker(idle, idle._store).carry_out(claim)
        assert idle.jobs.get(job.id).state == "cancelled"
    assert (idle.count(namespace="old"), idle.count(namespace="new")) == (1, 500)


def test_a_memory_that_closes_gives_its_job_back(path, standing):
    begun, going = standing
    others = set(threading.enumerate())
    with Memory(path) as memory:
        job = memory.jobs.reflect()
        assert begun.wait(PATIENT)
    going.set()
    with Memory(path) as memory:
        left = memory.jobs.get(job.id)
        assert (left.state, left.attempts) == ("waiting", 0)
        (done,) = memory.jobs.run()
        assert (done.id, done.result, done.attempts) == (job.id, 5, 1)
    started = set(threading.enumerate()) - others
    assert [one for one in started if one.name.startswith("mnemon-jobs")] == []


def test_one_started_here_takes_what_others_left(path, idle):
    job = idle.jobs.reflect()
    with Memory(path) as other:
        other.jobs.start(workers=2)
        assert other.jobs.get(job.id, wait=PATIENT).state == "done"
