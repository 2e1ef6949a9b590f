"""`wait=`: what takes long is answered in time, or goes on as a job that can be watched."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack

import httpx2
import pytest

from mnemon import Draft, Memory, Policy
from mnemon.errors import InvalidInput, StoreBusy
from mnemon.jobs.calls import CALLS
from mnemon.models.local import loading
from mnemon.server import compiling
from mnemon.server.keys import beside
from mnemon.server.routes.jobs import VERBS

PATIENT = "30"


@pytest.fixture
def standing(monkeypatch):
    """Makes `reflect` stand still in the middle of its work: (begun, go on)."""
    begun, going = threading.Event(), threading.Event()

    def reflect(self, *, namespace=None, progress=None):
        begun.set()
        while not going.wait(0.01):
            if progress is not None:
                progress(1, 2)
        return 3

    monkeypatch.setattr(Memory, "reflect", reflect)
    yield begun, going
    going.set()


def accepted(answer):
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    return job


def look(http, job, **params):
    answer = http.get(f"/jobs/{job['id']}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_is_done_in_time_is_answered_as_ever(http, path):
    with Memory(path) as memory:
        memory.add(Draft("long ago", policy=Policy(retain_until="2020-01-01T00:00:00+00:00")))
    wait = {"wait": PATIENT}
    told = http.post("/reflect", json={}, params=wait)
    assert (told.status_code, told.json()) == (200, {"count": 1})
    assert http.post("/reindex", json={}, params=wait).json() == {"count": 0}
    assert http.post("/fsck", json={}, params=wait).json() == []
    report = http.post("/import", params={"name": "cat.md", **wait}, content=b"# Cat\n\nMiso.\n")
    assert report.json()["added"] == 1
    calls = [job["call"] for job in http.get("/jobs").json()["jobs"]]
    assert calls == ["import", "fsck", "reindex", "reflect"]
    assert not list(path.parent.rglob("cat.md"))


def test_without_wait_there_is_no_job(http):
    assert http.post("/reflect", json={}).json() == {"count": 0}
    assert http.post("/fsck", json={}).json() == []
    assert http.get("/jobs").json() == {"jobs": [], "next": None}


def test_what_takes_longer_goes_on_and_is_waited_for(http, standing):
    begun, going = standing
    job = accepted(http.post("/reflect?wait=0.2", json={"namespace": "acme"}))
    assert (job["call"], job["namespace"], job["result"]) == ("reflect", "acme", None)
    assert begun.wait(30) and look(http, job, wait="0.1")["state"] == "running"
    going.set()
    done = look(http, job, wait=PATIENT)
    assert (done["state"], done["result"]) == ("done", 3)


def test_many_may_wait_and_others_are_served_meanwhile(http, url, standing):
    begun, going = standing
    job = accepted(http.post("/reflect?wait=0", json={}))
    assert begun.wait(30)
    found = []

    def wait():
        with httpx2.Client(base_url=f"{url}/v1", timeout=30, verify=False) as client:
            found.append(look(client, job, wait=PATIENT)["state"])

    threads = [threading.Thread(target=wait) for _ in range(25)]  # more than threads serve
    for thread in threads:
        thread.start()
    assert http.get("/count").json() == {"count": 0} and found == []
    going.set()
    for thread in threads:
        thread.join()
    assert found == ["done"] * 25


def test_a_job_is_cancelled(http, standing):
    begun, _ = standing
    running = accepted(http.post("/reflect?wait=0", json={}))
    waiting = accepted(http.post("/reflect?wait=0", json={}))
    assert begun.wait(30)
    assert http.delete(f"/jobs/{waiting['id']}").json()["state"] == "cancelled"
    assert http.delete(f"/jobs/{running['id']}").status_code == 200
    assert look(http, running, wait=PATIENT)["state"] == "cancelled"
    assert http.delete(f"/jobs/{running['id']}").json()["state"] == "cancelled"


def test_a_job_that_died_is_told_and_put_back(http, problem):
    wrong = http.post(f"/reindex?wait={PATIENT}", json={"embedder": "nothing"})
    problem(wrong, 422, "urn:mnemon:unknown-name")
    job = accepted(http.post("/reindex?wait=0", json={"embedder": "nothing"}))
    dead = look(http, job, wait=PATIENT)
    assert (dead["state"], dead["error"]["status"]) == ("dead", 422)
    page = http.get("/jobs", params={"state": "dead", "call": "reindex", "limit": 1}).json()
    assert [one["id"] for one in page["jobs"]] == [job["id"]]
    rest = http.get("/jobs", params={"state": "dead", "cursor": page["next"]}).json()
    assert len(rest["jobs"]) == 1 and rest["next"] is None
    again = http.post(f"/jobs/{job['id']}/retry")
    assert again.json()["attempts"] in (0, 1) and look(http, job, wait=PATIENT)["state"] == "dead"
    done = accepted(http.post("/fsck?wait=0", json={}))
    look(http, done, wait=PATIENT)
    problem(http.post(f"/jobs/{done['id']}/retry"), 422, "urn:mnemon:invalid-input")


def test_an_error_of_ours_is_tried_again_and_quotes_nobody(http, monkeypatch):
    def reindex(*_, **__):
        raise KeyError("the secret zebra")

    monkeypatch.setattr(Memory, "reindex", reindex)
    job = accepted(http.post("/reindex?wait=0.3", json={}))
    told = look(http, job)
    assert told["state"] == "waiting" and "zebra" not in str(told)
    assert "KeyError at test_jobs.py" in told["error"]["detail"]


def test_a_key_makes_a_job_once(http, problem, standing):
    begun, going = standing
    key = {"Idempotency-Key": "nightly"}
    one = accepted(http.post("/reflect?wait=0", json={}, headers=key))
    assert begun.wait(30)
    assert accepted(http.post("/reflect?wait=0", json={}, headers=key))["id"] == one["id"]
    going.set()
    assert http.post(f"/reflect?wait={PATIENT}", json={}, headers=key).json() == {"count": 3}
    first = http.post("/import?wait=0&name=a.md", content=b"# A\n\na\n", headers=key)
    problem(first, 422, "urn:mnemon:key-reused")
    key = {"Idempotency-Key": "a"}
    asked = [
        http.post("/import?wait=0&name=a.md", content=b"# A\n\n%c\n" % one, headers=key)
        for one in b"aab"
    ]
    assert accepted(asked[0])["id"] == accepted(asked[1])["id"]
    problem(asked[2], 422, "urn:mnemon:key-reused")


def test_what_cannot_be_asked(http, problem):
    for call in ("/reflect?wait=-1", "/reflect?wait=301", "/reflect?wait=soon", "/reflect?wiat=3"):
        problem(http.post(call, json={}), 422, "urn:mnemon:invalid-input")
    problem(http.get("/jobs/nobody"), 404, "urn:mnemon:not-found")
    problem(http.delete("/jobs/nobody"), 404, "urn:mnemon:not-found")
    problem(http.get("/jobs?state=ready"), 422, "urn:mnemon:invalid-input")
    problem(http.get("/jobs?call=search"), 422, "urn:mnemon:invalid-input")
    problem(http.get("/jobs?cursor=x"), 422, "urn:mnemon:invalid-input")
    options = json.dumps({"wait": 3})
    wrong = http.post("/import", params={"options": options, "name": "a.md"}, content=b"x")
    problem(wrong, 422, "urn:mnemon:invalid-input")


def test_waiting_for_a_job_is_no_request_that_takes_too_long(serve, standing):
    with httpx2.Client(base_url=f"{serve(timeout=0.2)}/v1", timeout=30, verify=False) as http:
        job = accepted(http.post("/reflect?wait=0", json={}))
        assert look(http, job, wait="0.6")["state"] == "running"


def test_an_import_waits_its_turn_with_its_file(http, path, standing):
    begun, going = standing
    accepted(http.post("/reflect?wait=0", json={}))
    assert begun.wait(30)
    sent = http.post("/import?wait=0&name=cat.md", content=b"# Cat\n\nMiso is grey.\n")
    job = accepted(sent)
    assert job["options"]["path"] == "cat.md"
    (file,) = path.parent.rglob("cat.md")
    assert job["id"] in str(file)
    going.set()
    assert look(http, job, wait=PATIENT)["result"]["added"] == 1
    end = time.monotonic() + float(PATIENT)  # the job is told done before its file is swept up
    while file.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not file.exists()


def test_who_waits_or_sends_slowly_keeps_nobody_from_forgetting(serve, path):
    url = httpx2.URL(serve(jobs=0, threads=4))
    head = "POST /v1/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    slow = [
        head.format("reflect?wait=20") + "Content-Length: 2\r\n\r\n{}",
        head.format("import?name=a.md") + "Content-Length: 1000\r\n\r\n# A",
    ]
    with ExitStack() as held, Memory(path) as memory:
        cube = memory.add("Miso is grey.")
        for asked in slow * 5:
            caller = held.enter_context(socket.create_connection((url.host, url.port)))
            caller.sendall(asked.encode())
        while len(memory.jobs.list()) < 5:
            time.sleep(0.01)
        done = httpx2.post(f"{url}/v1/forget", json={"ids": cube.id}, timeout=10)
        assert done.status_code == 200 and done.json()["cubes"] == 1
        for job in memory.jobs.list():
            memory.jobs.cancel(job.id)  # or the server stays for those who wait


def test_a_server_without_workers_leaves_jobs_to_others(serve, path):
    with httpx2.Client(base_url=f"{serve(jobs=0)}/v1", timeout=30, verify=False) as http:
        job = accepted(http.post("/reflect?wait=0.1", json={}))
        assert job["state"] == "waiting"
        with Memory(path) as memory:
            assert [one.id for one in memory.jobs.run()] == [job["id"]]
        assert look(http, job)["state"] == "done"


def test_what_a_server_left_the_next_one_takes(serve, path):
    with Memory(path) as memory:
        memory.jobs.start(0)
        id = memory.jobs.reflect().id
    with httpx2.Client(base_url=f"{serve()}/v1", timeout=30, verify=False) as http:
        assert look(http, {"id": id}, wait=PATIENT)["state"] == "done"


def test_a_key_sees_the_jobs_that_it_could_have_made(serve, path, problem):
    with Memory(path) as memory:
        memory.jobs.start(0)
        ana, ben = (memory.jobs.reflect(namespace=f"acme/{one}").id for one in ("ana", "ben"))
        notes = path.parent / "notes.md"
        notes.write_text("# Cat\n\nMiso.\n")
        imported = memory.jobs.import_(notes, namespace="acme/ana/notes").id
        whole = memory.jobs.fsck().id
    keys = beside(path)
    url = serve(jobs=0)

    def seen(namespaces, verbs, **params):
        token, _ = keys.add("x", namespaces, verbs)
        with httpx2.Client(
            base_url=f"{url}/v1", verify=False, headers={"Authorization": f"Bearer {token}"}
        ) as http:
            told = http.get("/jobs", params=params)
            if told.status_code != 200:
                return told.status_code
            listed = {job["id"] for job in told.json()["jobs"]}
            for id in (ana, ben, imported, whole):
                answers = [http.get(f"/jobs/{id}"), http.post(f"/jobs/{id}/retry")]
                if id not in listed and not params:
                    answers.append(http.delete(f"/jobs/{id}"))
                    for answer in answers:
                        problem(answer, 404, "urn:mnemon:not-found")
                    assert answers[0].json()["detail"].startswith(f"there is no job {id}")
            return listed

    assert seen(["acme/ana"], ["admin"]) == {ana}
    assert seen(["acme/ana"], ["read", "write"]) == {imported}
    assert seen(["acme/ana", "acme/ben"], ["write", "admin"]) == {ana, ben, imported}
    assert seen(["acme", "acme/ana"], ["admin"]) == {ana, ben}
    assert seen(["acme"], ["read", "forget"]) == set()
    assert seen(None, ["admin"]) == {ana, ben, whole}
    assert seen(None, ["read", "write", "forget", "admin"]) == {ana, ben, imported, whole}
    assert seen(["acme"], ["admin"], namespace="acme/ben") == {ben}
    assert seen(["acme/ana"], ["admin"], namespace="acme/ben") == 403
    with Memory(path) as memory:
        assert {job.state for job in memory.jobs.list()} == {"waiting"}


def test_a_busy_store_is_waited_for(http, monkeypatch):
    calls = []

    def fsck(self, *, repair=False):
        calls.append(repair)
        if len(calls) == 1:
            raise StoreBusy("busy")
        return []

    monkeypatch.setattr(Memory, "fsck", fsck)
    begun = time.monotonic()
    assert http.post(f"/fsck?wait={PATIENT}", json={}).json() == []
    assert len(calls) == 2 and time.monotonic() - begun < 25


def test_every_call_that_makes_jobs_has_its_verb():
    assert VERBS.keys() == CALLS.keys()


def test_cubes_are_compiled_by_a_model_that_the_server_has(url, http, problem, path):
    pytest.importorskip("transformers", reason="the extra 'kv' is not installed")
    with Memory(url) as memory:
        one, _ = memory.add(["Ana lives in Lisbon.", "Ben likes tea."])
        job = memory.jobs.compile([one.id], "nano", wait=30)
        assert (job.state, job.result) == ("done", {"compiled": 1, "fresh": 0, "skipped": 0})
        assert memory.jobs.compile({"kind": "fact"}, "nano", wait=30).result["compiled"] == 0
        with pytest.raises(InvalidInput, match="--compile-to"):
            memory.jobs.compile({}, "nano", to="elsewhere")
        with pytest.raises(InvalidInput, match="name a model"):
            memory.jobs.compile({}, object())
    everything = {"selection": {}, "model": "nano"}
    done = http.post(f"/compile?wait={PATIENT}", json=everything)
    assert done.json() == {"compiled": 1, "fresh": 1, "skipped": 0}
    accepted(http.post("/compile", json=everything))  # never waits unasked
    assert [one.name for one in path.parent.glob("*-kv")] == ["served.db-kv"]


def test_what_a_server_does_not_compile_is_told(http, url, problem, serve):
    def refused(status, name, **body):
        return problem(http.post("/compile", json={"selection": {}, **body}), status, name)

    told = refused(422, "urn:mnemon:invalid-input", model="/etc")
    assert "recall-lm, nano" in told["detail"] and "--compile-model" in told["detail"]
    refused(422, "urn:mnemon:invalid-input", model="nano", form="summary")
    refused(422, "urn:mnemon:invalid-input", model="nano", form="weights", policy="kivi(bits=4)")
    refused(422, "urn:mnemon:invalid-input", model="nano", to="/tmp/elsewhere")
    refused(422, "urn:mnemon:invalid-input", model="nano", selection={"speaker": "Ana"})
    refused(422, "urn:mnemon:invalid-input", model="nano", selection=[])
    refused(404, "urn:mnemon:not-found", model="nano", selection=["nobody"])
    with pytest.raises(InvalidInput, match="password"):
        serve(compile_to="redis://:secret@cache/0")


def test_the_models_in_the_package_are_known():
    assert compiling.BUNDLED == loading.BUNDLED
