"""A server over a database: its page, metrics, jobs and retention, and the commands beside it."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import httpx2
import pytest
from click.testing import CliRunner

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.errors import QuotaExceeded
from mnemon.instant import now_micros
from mnemon.server import retention
from mnemon.server.settings import Settings
from mnemon.store import open_store, uploads
from mnemon.store.address import beside

from ...conformance.jobs import CALLS, LONG
from ...conformance.jobs import new as job
from ...conformance.rows import ME, add
from ...server.conftest import running

PATIENT = {"wait": "30"}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Files beside the database lie in a folder of the test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def served(url):
    with running(Settings(url, port=0)) as address:
        yield address


@pytest.fixture
def http(served):
    with httpx2.Client(base_url=f"{served}/v1", timeout=60, verify=False) as client:
        yield client


@pytest.fixture
def run(url):
    def run(*args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", url, *args])
        assert done.exit_code == expect, done.output
        return done.output

    return run


def test_keys_audit_log_and_sessions_lie_in_the_database(url, run, tmp_path):
    (token,) = (
        word
        for word in run("key", "add", "root", "--everywhere").split()
        if word.startswith("mnemon_")
    )
    with (
        running(Settings(url, port=0)) as address,
        httpx2.Client(
            base_url=address, headers={"Origin": address}, follow_redirects=True, verify=False
        ) as page,
    ):
        assert page.get("/").url.path == "/login"
        assert page.post("/login", data={"key": token}).status_code == 200
        told = {"content": "Miso is grey.", "speaker": "Ana"}
        assert page.post("/add?namespace=acme/ana", data=told).status_code == 200
        assert "is grey." in page.get("/", params={"namespace": "acme/ana", "q": "Miso"}).text
        assert page.get("/storage").status_code == 200
        with Memory(address, api_key=token) as client:
            client.add("two")
    assert list(tmp_path.iterdir()) == []
    assert [key["name"] for key in json.loads(run("key", "list", "--json"))] == ["root"]
    told = json.loads(run("audit", "show", "--json"))
    assert {"key-add", "add"} <= {entry["verb"] for entry in told}
    run("audit", "verify")


def test_metrics_count_what_there_is(http, served):
    for namespace in ("acme", "ben"):
        assert http.post("/add", json={"content": "one", "namespace": namespace}).is_success
    told = dict(
        line.rsplit(" ", 1)
        for line in httpx2.get(f"{served}/metrics").text.splitlines()
        if line.startswith("mnemon_store_")
    )
    assert float(told["mnemon_store_cubes"]) == float(told["mnemon_store_journal"]) == 2
    assert float(told["mnemon_store_file_bytes"]) > 0


def test_jobs_are_done(http, url):
    assert http.post("/fsck", json={}, params=PATIENT).json() == []
    told = http.post("/import", params={"name": "cat.md", **PATIENT}, content=b"# Cat\n\nMiso.\n")
    assert told.json()["added"] == 1
    calls = [one["call"] for one in http.get("/jobs").json()["jobs"]]
    assert calls == ["import", "fsck"]
    assert not list(beside(url).parent.rglob("cat.md"))


def test_a_job_that_names_a_file_is_done_where_the_file_is(replica, monkeypatch, tmp_path):
    here, there = replica(), replica()
    options = {"upload": False, "path": str(tmp_path / "cat.md")}
    id = here.queue.enqueue(job("import", options=options)).id
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another-machine"))
    assert there.queue.claim(("import", *CALLS), LONG) is None
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert here.queue.claim(("import", *CALLS), LONG).job.id == id


@pytest.mark.parametrize("size", [0, 5, 2**20, 2**20 + 1, 3_000_000])
def test_an_upload_goes_to_whoever_claims_its_job(replica, plain, monkeypatch, tmp_path, size):
    here, there = replica(), replica()
    new = job("import", options={"upload": True, "path": "cat.md"})
    content = random.Random(size).randbytes(size)
    uploads.place(here.uploads, new.id, "cat.md").write_bytes(content)
    here.queue.enqueue(new)
    assert not list(tmp_path.rglob("cat.md"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another-machine"))
    claim = there.queue.claim(("import", *CALLS), LONG)
    file = there.upload(new.id, "cat.md")
    assert file.is_relative_to(tmp_path / "another-machine") and file.read_bytes() == content
    assert there.queue.release(claim) and there.upload(new.id, "cat.md") == file
    claim = there.queue.claim(("import", *CALLS), LONG)
    assert there.queue.finish(claim, 1)
    assert plain("SELECT * FROM job_files", whole=True) == []
    uploads.drop(there.uploads, [new.id])
    assert not there.upload(new.id, "cat.md").exists()


def test_an_upload_goes_with_a_job_that_is_cancelled_or_dead_for_long(replica, plain):
    store = replica()
    for end in (store.queue.cancel, lambda _: store.queue.sweep(0, 0)):
        new = job("import", options={"upload": True, "path": "cat.md"})
        uploads.place(store.uploads, new.id, "cat.md").write_text("x")
        store.queue.enqueue(new)
        claim = store.queue.claim(("import", *CALLS), LONG)
        store.queue.fail(claim, {"type": "x"}, None)
        assert len(plain("SELECT * FROM job_files", whole=True)) == 1
        end(new.id)
        assert plain("SELECT * FROM job_files", whole=True) == []


def test_a_purge_deletes_the_files_of_the_jobs_it_ends(url):
    store = open_store(url)
    (id,) = add(store, "one")
    new = job("import", options={"upload": True, "path": "cat.md"}, cubes=(id,))
    file = uploads.place(store.uploads, new.id, "cat.md")
    file.write_text("Miso.")
    store.queue.enqueue(new)
    assert store.upload(new.id, "cat.md") == file and file.read_text() == "Miso."
    assert store.purge([id], ME)[0].jobs == (new.id,)
    assert not file.exists() and not store.upload(new.id, "cat.md").exists()
    store.close()


def test_replicas_share_the_work(replica):
    one, two = replica(), replica()
    ids = {one.queue.enqueue(job(namespace=f"n/{n}")).id for n in range(4)}
    taken = [store.queue.claim(CALLS, LONG) for store in (one, two, one, two)]
    assert {claim.job.id for claim in taken} == ids
    assert two.queue.claim(CALLS, LONG) is None
    assert one.queue.finish(taken[1], 1)  # the token is what counts, not the connection
    assert two.queue.get(taken[1].job.id).state == "done"


def test_retention_and_quotas_by_commands_and_server(url, run):
    with Memory(url) as memory:
        (old, kept) = (memory.add(text, namespace="acme/ana") for text in ("old", "kept"))
    run("quota", "set", "acme", "--cubes", "2")
    assert [one["held_cubes"] for one in json.loads(run("quota", "list", "--json"))] == [2]
    run("retention", "set", "acme", "--after", "90d", "--purge")
    run("retention", "hold", kept.id, "--namespace", "acme/ana")
    assert "acme" in run("retention", "run")
    with (
        running(Settings(url, port=0)) as address,
        Memory(address) as client,
        pytest.raises(QuotaExceeded),
    ):
        client.add("one more", namespace="acme/ben")
    later = now_micros() + int(timedelta(days=100).total_seconds() * 1e6)
    (ran,) = retention.run(url, now=later)
    assert (ran.ids, ran.on_hold) == ((old.id,), 1)
    with Memory(url) as memory:
        assert [cube.id for cube in memory.list(namespace="acme/ana")] == [kept.id]


def test_a_person_is_forgotten_and_the_receipt_has_the_stamp(http, url):
    for speaker in ("Ana", "Ben"):
        http.post("/add", json={"content": "hello", "speaker": speaker})
    done = http.post("/forget", json={"person": "Ana"}).json()
    assert (done["said"], done["purged"]) == (1, True)
    with Memory(url) as memory:
        assert [cube.speaker for cube in memory.list()] == ["Ben"]
        assert done["stamp"].split(":")[2] == str(memory.log()[-1].seq)


def test_backups_are_the_databases_own(run, tmp_path):
    for command in ("backup", "restore-backup"):
        assert "pg_dump" in run(command, str(tmp_path / "all.tar"), expect=2)
    assert not list(tmp_path.glob("*.tar"))
