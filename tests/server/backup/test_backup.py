"""Backups: made while others write, whole or refused, and what was purged stays purged."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, StoreCorrupt
from mnemon.server.audit.file import beside as audited
from mnemon.server.audit.verifying import verify as verify_audit
from mnemon.server.backup import making, restoring
from mnemon.server.keys import beside

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "served.db"


@pytest.fixture
def run():
    def call(store, *args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", str(store), *args])
        assert done.exit_code == expect, done.output
        return done

    return call


WRITER = """
import sys
from mnemon import Memory
with Memory(sys.argv[1], namespace=sys.argv[2]) as memory:
    for n in range(100_000):
        whole = memory.add(f"{sys.argv[2]} wrote {n}")
        memory.update(whole.id, f"{sys.argv[2]} wrote {n} again")
        print(n, flush=True)
"""


def test_a_backup_made_while_others_write_is_of_one_moment(path, tmp_path):
    with Memory(path) as memory:
        memory.add("before")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
        )
        for name in ("ana", "ben")
    ]  # fmt: skip
    try:
        told = []
        for n in range(3):
            for child in children:
                assert int(child.stdout.readline()) == n
            told.append(making.make(path, tmp_path / f"{n}.tar"))
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert told[0].sequence < told[1].sequence < told[2].sequence
    for n, one in enumerate(told):
        restoring.restore(tmp_path / f"{n}.tar", tmp_path / f"restored{n}.db")
        with Memory(tmp_path / f"restored{n}.db") as memory:
            assert memory.fsck() == []
            newest = max(memory.log(namespace=name, limit=1)[-1].seq for name in ("ana", "ben"))
            assert (newest, memory.size()["cubes"]) == (one.sequence, one.cubes)
            for name in ("ana", "ben"):  # one after the other, without a gap
                cubes = memory.list(namespace=name, limit=-1)
                assert [cube.content.split()[2] for cube in cubes] == [
                    str(i) for i in range(len(cubes))
                ]
                assert {cube.version for cube in cubes[:-1]} <= {2}
            assert memory.search("before")


@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz"])
def test_all_that_belongs_to_a_store_comes_back(path, tmp_path, run, name):
    token, _ = beside(path).add("ana", ["acme/ana"])
    with Memory(path) as memory:
        cube = memory.add("a zebra", namespace="acme/ana")
        made = memory.artifacts
        blob = made.derive("summary", [memory.add("x")], bytes(100_000), method="test@1")
    run(path, "quota", "set", "acme", "--cubes", "7")
    run(path, "retention", "set", "acme", "--after", "9d", "--forget")
    audited(path).append("x", "add", "done")
    run(path, "backup", str(tmp_path / name), "--verify")
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    new = tmp_path / "elsewhere" / "new.db"
    new.parent.mkdir()
    told = run(new, "restore-backup", str(tmp_path / name))
    assert "what was purged since is back" in told.stderr and "keys revoked" in told.stderr
    with Memory(new) as memory:
        assert memory.get(cube.id, namespace="acme/ana") == cube and memory.fsck() == []
        assert memory.artifacts.open(blob.key).payload == bytes(100_000)
    assert beside(new).find(token) is not None
    assert '"acme"' in run(new, "quota", "list", "--json").stdout
    assert "acme" in run(new, "retention", "list").stdout
    verbs = [entry.verb for _, entry in audited(new).entries()]
    assert verbs == ["quota-set", "retention-set", "add", "restore-backup"]
    assert verify_audit(audited(new)).problems == []
    left = {one.name for one in new.parent.iterdir()}
    assert not [one for one in left if one.startswith(".")], left
    import sqlite3

    with sqlite3.connect(new) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


@pytest.mark.parametrize("source", ["store", "backup", "export"])
def test_what_was_purged_since_stays_purged(path, tmp_path, run, source):
    with Memory(path) as memory:
        memory.add("Ana stays")
        secret = memory.add("the secret zebra")
        making.make(path, tmp_path / "old.tar")
        memory.forget(secret.id, purge=True)
        late = memory.add("a later giraffe")
        memory.forget(late.id, purge=True)
        memory.export(tmp_path / "all.jsonl")
        making.make(path, tmp_path / "later.tar")
    known = {"store": path, "backup": tmp_path / "later.tar", "export": tmp_path / "all.jsonl"}
    new = tmp_path / "new.db"
    run(new, "restore-backup", str(tmp_path / "old.tar"), "--tombstones", str(known[source]))
    assert b"zebra" not in b"".join(one.read_bytes() for one in tmp_path.glob("new.db*"))
    with Memory(new) as memory:
        assert [cube.content for cube in memory.list()] == ["Ana stays"] and memory.fsck() == []
        from mnemon.server.backup.purged import tombstones

        assert tombstones(new).keys() == {secret.id, late.id}


def test_what_is_no_source_of_tombstones_is_refused_before_anything_is_made(path, tmp_path, run):
    with Memory(path) as memory:
        memory.add("x", namespace="a")
        memory.export(tmp_path / "part.jsonl", namespace="a")
    making.make(path, tmp_path / "b.tar")
    for wrong in ("part.jsonl", "nothing"):
        args = ("restore-backup", str(tmp_path / "b.tar"), "--tombstones", str(tmp_path / wrong))
        run(tmp_path / "new.db", *args, expect=2)
    assert not (tmp_path / "new.db").exists()


def test_a_store_is_never_overwritten(path, tmp_path):
    with Memory(path) as memory:
        memory.add("x")
    making.make(path, tmp_path / "b.tar")
    with pytest.raises(InvalidInput, match="there already"):
        restoring.restore(tmp_path / "b.tar", path)


def spoiled(told: bytes, how: str) -> bytes:
    if how == "byte":
        at = told.index(b"a zebra")
        return told[:at] + b"A" + told[at + 1 :]
    if how == "cut":
        return told[: len(told) // 2]
    if how == "no tar":
        return b"nothing" * 1000
    return _renamed(told)


def _renamed(told: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(told)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            data = old.extractfile(member).read()
            if member.name == "manifest.json":
                manifest = json.loads(data)
                manifest["members"][0]["name"] = "../evil"
                data = json.dumps(manifest).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("how", ["byte", "cut", "no tar", "name"])
def test_a_spoiled_backup_is_refused_and_leaves_nothing(path, tmp_path, run, how):
    with Memory(path) as memory:
        memory.add("a zebra")
    file = tmp_path / "b.tar"
    making.make(path, file)
    file.write_bytes(spoiled(file.read_bytes(), how))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreCorrupt):
        restoring.restore(file, tmp_path / "new.db")
    run(path, "restore-backup", str(file), "--verify", expect=3)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_is_swept_meanwhile_is_left_out(path, tmp_path):
    with Memory(path) as memory:
        made = memory.artifacts.derive("summary", [memory.add("x")], bytes(100_000), method="t@1")
        (blob,) = path.with_name("served.db-blobs").iterdir()
        blob.unlink()
    making.make(path, tmp_path / "b.tar")
    assert restoring.verify(tmp_path / "b.tar").problems == ()
    restoring.restore(tmp_path / "b.tar", tmp_path / "new.db")
    with Memory(tmp_path / "new.db") as memory:
        assert memory.artifacts.list() == [] and memory.count() == 1 and made.key
