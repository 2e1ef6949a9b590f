"""`memory.jobs`: what is asked for in the background is done, and can be watched and stopped."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Draft, Job, Memory, Policy
from mnemon.errors import (
    EmbedderError,
    ImportFailed,
    InvalidInput,
    JobLost,
    NotFound,
    StoreBusy,
)
from mnemon.jobs import failing
from mnemon.jobs.backoff import LONGEST_S, delay
from mnemon.jobs.worker import Worker
from mnemon.portable import ImportReport
from mnemon.store import uploads
from mnemon.store.queue import LOST
from mnemon.wire import problems

PATIENT = 30.0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.db"


@pytest.fixture
def memory(path):
    with Memory(path) as memory:
        yield memory


@pytest.fixture
def idle(memory):
    """A memory that works nothing off by itself."""
    memory.jobs.start(0)
    return memory


def expiring(memory, **more):
    policy = Policy(retain_until="2020-01-01T00:00:00+00:00")
    return memory.add(Draft("long ago", policy=policy), **more)


def slow(monkeypatch, call="reflect"):
    """Makes a call stand still in the middle of its work: (begun, go on)."""
    begun, going = threading.Event(), threading.Event()

    def work(self, *args, progress=None, **more):
        progress(0, 2)
        begun.set()
        while not going.wait(0.01):
            progress(1, 2)
        return 5

    monkeypatch.setattr(Memory, call, work)
    return begun, going


def test_a_call_in_the_background_gives_what_the_call_gives(memory, tmp_path):
    notes = tmp_path / "cat.md"
    notes.write_text("# Cat\n\nMiso is grey.\n")
    report = memory.jobs.import_(notes, namespace="notes", wait=PATIENT, limit=1000)
    assert (report.state, report.namespace, report.actor) == ("done", "notes", "user")
    assert report.result == ImportReport(added=1)
    assert [cube.content for cube in memory.list(namespace="notes")] == ["# Cat\n\nMiso is grey."]
    assert memory.jobs.reindex(wait=PATIENT).result == 0
    assert memory.jobs.fsck(wait=PATIENT).result == []
    expiring(memory)
    job = memory.jobs.reflect(wait=PATIENT)
    assert isinstance(job, Job) and job.result == 1 and job.started_at <= job.finished_at
    assert memory.count() == 0
    assert memory.jobs.list(limit=1) == [job] == [memory.jobs.get(job.id)]


def test_it_works_without_a_file():
    with Memory(":memory:") as memory:
        expiring(memory)
        assert memory.jobs.reflect(wait=PATIENT).result == 1


def test_a_portable_file_concerns_the_whole_store(memory, tmp_path):
    memory.add("one", namespace="acme/ana")
    memory.export(tmp_path / "all.jsonl")
    job = memory.jobs.import_(tmp_path / "all.jsonl", namespace="x", wait=PATIENT)
    assert (job.namespace, job.result) == (None, ImportReport(known=1))


def test_actors_and_namespaces_are_the_callers(memory):
    memory.acting("ana").jobs.reflect(namespace="acme/ana")
    (job,) = memory.jobs.list(namespace="acme")
    assert (job.actor, job.namespace) == ("ana", "acme/ana")
    assert memory.jobs.list(namespace="acm") == [] == memory.jobs.list(call="fsck")
    memory.jobs.get(job.id, wait=PATIENT)
    with pytest.raises(InvalidInput, match="waiting, running"):
        memory.jobs.list(state="ready")


def test_what_cannot_be_asked_for(memory, tmp_path):
    with pytest.raises(ImportFailed, match="no such file"):
        memory.jobs.import_(tmp_path / "nothing.md")
    with pytest.raises(InvalidInput, match="name an embedder"):
        memory.jobs.reindex(object())
    for call in (memory.jobs.get, memory.jobs.cancel, memory.jobs.retry):
        with pytest.raises(NotFound, match="no job nobody"):
            call("nobody")
    assert memory.jobs.list() == []


def test_a_key_asks_once(idle):
    first = idle.jobs.reflect(key="nightly")
    assert idle.jobs.reflect(key="nightly") == first
    assert idle.jobs.reflect(key="nightly", namespace="other").id != first.id
    whole = idle.jobs.reindex("static", key="nightly")
    assert whole.id != first.id
    with pytest.raises(InvalidInput, match=whole.id):
        idle.jobs.reindex("minilm", key="nightly")


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
    assert errors[0].startswith("KeyError at test_jobs.py:") and "of ours" not in errors[0]
    assert errors[1:3] == ["down", "busy"]


def test_what_never_passes_dies(idle, monkeypatch):
    monkeypatch.setattr(Memory, "reflect", lambda self, **_: (_ for _ in ()).throw(OSError("x")))
    id = idle.jobs.reflect().id
    worker = Worker(idle, idle._store, first_retry=0.0)
    while not idle.jobs.get(id).finished:
        worker.step()
    job = idle.jobs.get(id)
    assert (job.state, job.attempts) == ("dead", 5)


@given(st.integers(1, 10_000), st.floats(0.01, 10))
def test_waits_grow_and_differ(attempts, first):
    low, high = delay(attempts, first), delay(attempts + 2, first)
    assert first / 2 <= low <= LONGEST_S
    assert low <= high or high > LONGEST_S / 2


def test_a_running_job_is_watched_and_cancelled(memory, monkeypatch):
    begun, _ = slow(monkeypatch)
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


def test_a_real_reflect_and_a_real_import_stop_at_their_next_step(idle, tmp_path, monkeypatch):
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


def test_a_memory_that_closes_gives_its_job_back(path, monkeypatch):
    begun, going = slow(monkeypatch)
    with Memory(path) as memory:
        job = memory.jobs.reflect()
        assert begun.wait(PATIENT)
    going.set()
    with Memory(path) as memory:
        left = memory.jobs.get(job.id)
        assert (left.state, left.attempts) == ("waiting", 0)
        (done,) = memory.jobs.run()
        assert (done.id, done.result, done.attempts) == (job.id, 5, 1)
    assert [one for one in threading.enumerate() if one.name.startswith("mnemon-jobs")] == []


def test_one_started_here_takes_what_others_left(path, idle):
    job = idle.jobs.reflect()
    with Memory(path) as other:
        other.jobs.start(workers=2)
        assert other.jobs.get(job.id, wait=PATIENT).state == "done"


def test_waiting_ends_in_time_and_a_read_only_memory_may_look(idle, path):
    job = idle.jobs.reflect(wait=0.05)
    assert job.state == "waiting"
    with Memory(path, read_only=True) as memory:
        assert memory.jobs.get(job.id, wait=0.01) == job
        assert memory.jobs.list() == [job]


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


def upload(memory, name="notes.md", text="# Cat\n\nMiso is grey.\n"):
    """A file among the store's uploads, as a server receives it."""
    folder = memory._store.uploads / "receiving"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def files(memory):
    return [file.name for file in memory._store.uploads.rglob("*") if file.is_file()]


def test_an_upload_goes_with_its_job(idle):
    jobs = idle.jobs
    job = jobs.import_(upload(idle))
    assert job.options["path"] == "notes.md" and files(idle) == ["notes.md"]
    assert not list(idle._store.uploads.glob("receiving/*"))
    (done,) = jobs.run()
    assert (done.result.added, files(idle)) == (1, [])
    cancelled = jobs.import_(upload(idle))
    jobs.cancel(cancelled.id)
    assert files(idle) == []
    first = jobs.import_(upload(idle), key="once")
    assert jobs.import_(upload(idle), key="once").id == first.id
    assert files(idle) == ["notes.md"]
    jobs.cancel(first.id)
    dead = jobs.import_(upload(idle), "nothing")
    jobs.run()
    assert jobs.get(dead.id).state == "dead" and files(idle) == ["notes.md"]
    jobs.retry(dead.id)
    jobs.cancel(dead.id)
    assert files(idle) == []


def test_a_purge_takes_the_jobs_of_what_it_empties_and_their_files(idle, tmp_path):
    cube = idle.add("the secret zebra", namespace="ana")
    job = idle.jobs.import_(upload(idle, text="# Cat\n\nthe secret zebra\n"), namespace="ana")
    kept = idle.jobs.import_(upload(idle, "kept.md"), namespace="ben")
    idle.forget(cube.id, namespace="ana", purge=True)
    assert [one.id for one in idle.jobs.list()] == [kept.id]
    with pytest.raises(NotFound):
        idle.jobs.get(job.id)
    assert files(idle) == ["kept.md"]
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or b"zebra" not in file.read_bytes(), file


def test_files_whose_job_is_gone_are_tidied_away(idle, monkeypatch):
    kept = idle.jobs.import_(upload(idle, "kept.md"))
    uploads.place(idle._store.uploads, "0190-nobody", "left.md").write_text("x")
    Worker(idle, idle._store).tidy()
    assert sorted(files(idle)) == ["kept.md", "left.md"]  # it may be about to get its job
    monkeypatch.setattr(time, "time", lambda clock=time.time: clock() + 120)
    Worker(idle, idle._store).tidy()
    assert files(idle) == ["kept.md"] and idle.jobs.get(kept.id).state == "waiting"


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


def test_the_worker_tells_of_what_it_did(idle):
    told: list[Job] = []
    idle.jobs.reflect()
    idle.jobs.reindex("nothing")
    left = idle.jobs.run(told.append)
    assert [job.state for job in told] == ["done", "dead"] == [job.state for job in left]
    assert logging.getLogger("mnemon").handlers == []


def test_jobs_survive_in_a_copy_of_the_file_alone(idle, path, tmp_path):
    id = idle.jobs.reflect(key="k").id
    idle.close()
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(path).read_bytes())
    with Memory(copy) as memory:
        assert memory.jobs.get(id).key == "k"


def test_a_lost_job_has_an_error_as_any_other():
    assert problems.document(JobLost(LOST["detail"])) == LOST
