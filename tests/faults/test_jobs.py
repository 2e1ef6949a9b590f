"""Jobs and processes: taken over from the dead, kept by the living, done once by many."""

from __future__ import annotations

import signal
import time

import pytest

from mnemon import Memory
from mnemon.identity import new_id
from mnemon.store.queue import NewJob


@pytest.fixture
def memory(path):
    with Memory(path) as memory:
        memory.jobs.start(0)  # others do the work
        yield memory


def put(memory, namespace="default", call="reflect", **options):
    job = memory._store.queue.enqueue(NewJob(new_id(), call, namespace, "user", options))
    return job.id


def test_a_job_of_a_killed_process_is_taken_over(memory, path, child):
    id = put(memory)
    victim = child("jobber", path, 0.5, "hang")
    assert victim.stdout.readline().strip() == "begun"
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert memory.jobs.get(id).state == "running"
    while memory.jobs.run() == []:
        time.sleep(0.05)
    job = memory.jobs.get(id)
    assert (job.state, job.attempts, job.result) == ("done", 2, 0)
    assert memory.fsck() == []


def test_a_job_of_a_living_process_is_not_taken_over(memory, path, child):
    id = put(memory)
    slow = child("jobber", path, 0.3, "hang")
    assert slow.stdout.readline().strip() == "begun"
    first = memory.jobs.get(id).due_at
    while memory.jobs.get(id).due_at <= first:  # until its lease was renewed at least once
        assert memory.jobs.run() == []
        time.sleep(0.05)
    assert memory.jobs.get(id).attempts == 1
    slow.kill()
    slow.communicate()


def test_several_processes_do_each_job_once(memory, path, child):
    memory.add("something to look at")
    ids = [put(memory, f"n/{n}") for n in range(40)]
    workers = [child("jobber", path, 30) for _ in range(3)]
    said = [worker.communicate(timeout=60) for worker in workers]
    assert [errors for _, errors in said] == [""] * 3
    lines = [line.split() for told, _ in said for line in told.splitlines()]
    assert sorted(id for id, *_ in lines) == sorted(ids)
    assert {tuple(rest) for _, *rest in lines} == {("done", "1")}
    assert {memory.jobs.get(id).attempts for id in ids} == {1}


def test_killed_again_and_again_everything_is_done_in_the_end(memory, path, child):
    ids = {put(memory, f"n/{n}") for n in range(15)}
    for _ in range(3):
        victim = child("jobber", path, 0.2)
        victim.stdout.readline()
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
    while {job.id for job in memory.jobs.list(state="done")} != ids:
        memory.jobs.run()
        time.sleep(0.05)
    assert memory.fsck() == []
