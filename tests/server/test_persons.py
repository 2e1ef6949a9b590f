"""Forgetting a person: what goes, what stays, and the receipt that proves it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx2
import pytest
from click.testing import CliRunner

from mnemon import AsyncMemory, Draft, Memory, Policy, Span
from mnemon.cli.app import mnemon
from mnemon.server.audit.file import beside as audited
from mnemon.server.audit.verifying import verify
from mnemon.server.keys import beside


@pytest.fixture
def filled(path):
    """What Ana said, what names her in one way or another, and what does not."""
    with Memory(path, namespace="acme") as memory:
        memory.add("I keep a zebra.", speaker="Ana Silva")
        old = memory.add("Ana has a giraffe.", speaker="Ben")
        memory.update(old.id, "She has an ostrich.")
        forgotten = memory.add("Ask Ana about the walrus.", speaker="Ben")
        memory.forget(forgotten.id)
        source = memory.add("Ana's penguin.", speaker="Ben")
        memory.add(Draft("Birds: a penguin.", kind="summary", producer="method:x@1",
                         spans=(Span(source.id, 1),)))  # fmt: skip
        memory.artifacts.derive("summary", [source], b"a penguin", method="x@1")
        memory.add(Draft("A photo", metadata={"people": [{"name": "ANA"}]}))
        memory.add("She likes Annie's banana.", speaker="Ben")
        memory.add("Ana is elsewhere.", namespace="other")
        memory.add("We met Anna at noon.", speaker="Ben")
    return path


def left(path):
    with Memory(path) as memory:
        assert memory.fsck() == []
        return sorted(cube.content for place in ("acme", "other")
                      for cube in memory.list(namespace=place))  # fmt: skip


STAYS = ["Ana is elsewhere.", "She likes Annie's banana.", "We met Anna at noon."]
WORDS = (b"zebra", b"giraffe", b"ostrich", b"walrus", b"penguin")


def test_a_dry_run_shows_and_changes_nothing(filled, serve):
    url = serve()
    told = httpx2.post(f"{url}/v1/forget", json={
        "person": "Ana", "namespace": "acme", "dry_run": True}).json()  # fmt: skip
    assert (told["said"], told["named"], told["derived"], told["cubes"]) == (1, 4, 1, 6)
    assert told["dry_run"] and not told["purged"] and told["artifacts"] == 1
    assert {one["why"] for one in told["sample"]} == {"said", "named"}
    assert any("zebra" in one["content"] for one in told["sample"])
    assert ["anna", 1] in told["possible"]
    assert len(left(filled)) == 8


def test_no_byte_is_left_and_the_receipt_proves_it(filled, serve):
    url = serve()
    answer = httpx2.post(f"{url}/v1/forget", json={"person": ["Ana"], "namespace": "acme"})
    receipt = answer.json()
    assert (receipt["cubes"], len(receipt["ids"]), receipt["purged"]) == (6, 6, True)
    assert receipt["sample"] == [] and "Ana" not in answer.text and receipt["stamp"]
    assert left(filled) == STAYS
    files = b"".join(one.read_bytes() for one in filled.parent.iterdir() if one.is_file())
    assert not [word for word in WORDS if word in files]
    found = verify(audited(filled), receipts=[receipt])
    assert found.problems == [] and found.receipts[0].verb == "forget"
    assert verify(audited(filled), receipts=[{**receipt, "cubes": 7}]).problems


def test_a_tenant_forgets_only_in_its_own_place_and_sees_only_what_it_may(filled, serve, problem):
    token, _ = beside(filled).add("ana", ["acme"], ["forget"])
    url, headers = serve(), {"Authorization": f"Bearer {token}"}
    theirs = {"person": "Ana", "namespace": "other", "dry_run": True}
    problem(httpx2.post(f"{url}/v1/forget", json=theirs, headers=headers), 403,
            "urn:mnemon:access-denied")  # fmt: skip
    told = httpx2.post(
        f"{url}/v1/forget", json={"person": "Ana", "dry_run": True}, headers=headers
    ).json()
    assert told["cubes"] == 6 and told["sample"] == told["possible"] == []
    assert ":" not in told["stamp"]


def test_what_a_policy_keeps_is_told_not_shown(path, serve):
    with Memory(path, actor="ben") as memory:
        memory.add(Draft("Ana's secret zebra", policy=Policy(readers=("ben",))))
        memory.add("Ana's giraffe")
    told = httpx2.post(f"{serve()}/v1/forget", json={"person": "Ana", "dry_run": True}).json()
    assert (told["cubes"], told["left"]) == (1, 1) and "zebra" not in json.dumps(told)


def test_a_person_stands_alone_and_somebody_unknown_is_nobody(filled, serve, problem):
    url = serve()
    for wrong in ({"person": "Ana", "ids": "x"}, {"person": ""}, {"person": []}):
        problem(httpx2.post(f"{url}/v1/forget", json=wrong), 422, "urn:mnemon:invalid-input")
    none = httpx2.post(f"{url}/v1/forget", json={"person": "Zacharias", "namespace": "acme"}).json()
    assert none["cubes"] == 0 and len(left(filled)) == 8


def test_the_command_asks_forgets_and_writes_the_receipt(filled, tmp_path):
    def run(*args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", str(filled), "-n", "acme", *args])
        assert done.exit_code == expect, done.output
        return done

    run("forget", "--person", "Ana", expect=2)  # nobody to ask
    run("forget", "--person", "Ana", "--all", expect=2)
    run("forget", "--all", "--receipt", "x", expect=2)
    planned = run("forget", "--person", "Ana", "--dry-run")
    assert "1 said, 4 that name them, 1 derived" in planned.stdout
    assert "anna (1)" in planned.stderr
    nowhere = str(tmp_path / "no folder" / "receipt.json")
    run("forget", "--person", "Ana", "--yes", "--receipt", nowhere, expect=2)
    assert len(left(filled)) == 8
    receipt = tmp_path / "receipt.json"
    run("forget", "--person", "Ana", "--person", "Anna", "--yes", "--receipt", str(receipt))
    assert left(filled) == STAYS[:2]
    assert "receipt: entry 1" in run("audit", "verify", "--receipt", str(receipt)).stdout
    run("forget", "--person", "Ana", "--yes", expect=1)


def test_the_command_does_the_same_at_a_server(filled, serve, tmp_path):
    token, key = beside(filled).add("ana", ["acme"])
    url, receipt = serve(), tmp_path / "receipt.json"
    told = ["--store", url, "--api-key", token, "-n", "acme", "forget", "--person", "Ana", "--yes"]
    done = CliRunner().invoke(mnemon, [*told, "--receipt", str(receipt)])
    assert done.exit_code == 0 and "1 said, 4 that name them, 1 derived" in done.stdout
    assert left(filled) == STAYS
    *_, entry = [one for _, one in audited(filled).entries()]  # the server's own
    assert (entry.who, entry.verb) == (key.id, "forget")
    found = verify(audited(filled), receipts=[json.loads(receipt.read_text())])
    assert found.problems == [] and found.receipts[0].seq == entry.seq


def test_python_forgets_a_person_in_a_file_at_a_server_and_awaited(filled, serve):
    with Memory(filled, namespace="acme") as memory:
        planned = memory.forget_person("Ana", dry_run=True)
    assert (planned.cubes, planned.possible) == (6, (("anna", 1),))

    async def awaited(url):
        async with AsyncMemory(url, namespace="acme") as memory:
            seen = await memory.forget_person("Ana", dry_run=True)
            return seen, await memory.forget_person(["Ana", "Anna"])

    seen, done = asyncio.run(awaited(serve()))
    assert replace(seen, at=planned.at) == planned
    assert (done.purged, done.cubes, done.sample) == (True, 7, ())
    assert left(filled) == STAYS[:2]
