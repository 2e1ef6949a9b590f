"""`memory.jobs`: what is asked for in the background gives what the call gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnemon import Job, Memory
from mnemon.errors import ImportFailed, InvalidInput, KeyReused, NotFound
from mnemon.portable import ImportReport
from mnemon.store.rows import Budget

PATIENT = 30.0


def test_a_call_in_the_background_gives_what_the_call_gives(memory, tmp_path, expiring):
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


def test_a_plan_of_the_scheduler_is_queued_and_keeps_to_the_budgets(memory):
    cubes = [memory.add("one", namespace=name) for name in ("acme/ana", "acme/ben")]
    for cube in cubes:
        header = {"subjects": [], "learnt": True}
        with Memory(memory.path, namespace=cube.namespace) as there:
            there.artifacts.derive("adapter", [cube], b"\0" * 100, method="m", header=header)
    memory._store.set_budgets([Budget("acme", "adapter", 99)])
    job = memory.jobs.schedule(namespace="acme/ana", wait=PATIENT)
    assert (job.state, job.result, job.namespace) == ("done", {"done": 1, "left": 0}, "acme/ana")
    left = [one.namespace for one in memory.artifacts.list(namespace="acme")]
    assert left == ["acme/ben"] and memory.jobs.list(call="schedule") == [job]
    assert memory.jobs.schedule("no such model", wait=PATIENT).state == "dead"
    with pytest.raises(InvalidInput, match="name a model"):
        memory.jobs.schedule(object())


def test_cubes_are_compiled_in_the_background(memory):
    pytest.importorskip("transformers", reason="the extra 'kv' is not installed")
    one, _ = memory.add(["Ana lives in Lisbon.", "Ben likes tea."])
    job = memory.jobs.compile([one.id], "nano", wait=PATIENT)
    assert (job.state, job.result) == ("done", {"compiled": 1, "fresh": 0, "skipped": 0})
    assert job.cubes == (one.id,) and "Lisbon" not in repr(job)
    everything = memory.jobs.compile({}, "nano", wait=PATIENT)
    assert everything.result == {"compiled": 1, "fresh": 1, "skipped": 0}
    assert memory.jobs.list(call="compile") == [everything, job]
    memory.forget(one.id, purge=True)
    assert memory.jobs.list(call="compile") == [everything]  # what named it went with it


@pytest.mark.parametrize(
    ("selection", "told"),
    [({"query": "tea"}, "not query"), ({"speaker": "Ana"}, "not speaker"), ([], "no ids")],
)
def test_a_job_of_compiling_keeps_no_words(memory, selection, told):
    with pytest.raises(InvalidInput, match=told):
        memory.jobs.compile(selection, "nano")
    with pytest.raises(InvalidInput, match="name a model"):
        memory.jobs.compile({}, object())


def test_it_works_without_a_file(expiring):
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
    with pytest.raises(KeyReused, match=whole.id):
        idle.jobs.reindex("minilm", key="nightly")


def test_waiting_ends_in_time_and_a_read_only_memory_may_look(idle, path):
    job = idle.jobs.reflect(wait=0.05)
    assert job.state == "waiting"
    with Memory(path, read_only=True) as memory:
        assert memory.jobs.get(job.id, wait=0.01) == job
        assert memory.jobs.list() == [job]


def test_the_worker_tells_of_what_it_did(idle):
    told: list[Job] = []
    idle.jobs.reflect()
    idle.jobs.reindex("nothing")
    left = idle.jobs.run(told.append)
    assert [job.state for job in told] == ["done", "dead"] == [job.state for job in left]


def test_jobs_survive_in_a_copy_of_the_file_alone(idle, path, tmp_path):
    id = idle.jobs.reflect(key="k").id
    idle.close()
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(path).read_bytes())
    with Memory(copy) as memory:
        assert memory.jobs.get(id).key == "k"
