"""Files that jobs are to read: gone with the job, whatever its end."""

from __future__ import annotations

import time

import pytest

from mnemon.errors import KeyReused, NotFound
from mnemon.jobs.worker import Worker
from mnemon.store import uploads


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
    with pytest.raises(KeyReused, match=first.id):  # the same name, another file
        jobs.import_(upload(idle, text="# Dog\n"), key="once")
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
