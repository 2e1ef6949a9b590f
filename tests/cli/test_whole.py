"""Commands on the whole store: import, export, fsck, reindex, doctor."""

import json
import sqlite3
from contextlib import closing


def test_a_history_comes_in_once(run, tmp_path, parsed):
    chat = tmp_path / "chat.jsonl"
    lines = [{"speaker": "Ana", "text": f"I said {n}."} for n in range(3)]
    chat.write_text("\n".join([*map(json.dumps, lines), "{broken"]), "utf-8")
    done = run("import", str(chat))
    assert done.stdout == "3 added, 0 known, 1 malformed\n"
    assert "chat.jsonl" in done.stderr
    told = parsed(run("import", str(chat), "--format", "jsonl", "--json"))
    assert (told["added"], told["known"], len(told["malformed"])) == (0, 3, 1)


def test_an_importers_options_are_checked(run, tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text("# One\n\nA note.\n", "utf-8")
    run("import", str(notes), "--option", "limit=100")
    assert "limit" in run("import", str(notes), "--option", "limits=1", expect=2).stderr
    run("import", str(notes), "--format", "nothing", expect=2)


def test_what_cannot_be_used_exits_with_1(run, tmp_path):
    (tmp_path / "x.bin").write_bytes(b"\0\1\2")
    run("import", str(tmp_path / "x.bin"), expect=1)
    run("import", str(tmp_path / "missing.json"), expect=1)


def test_export_and_import_again(run, ids, tmp_path, parsed):
    file, other = tmp_path / "all.jsonl.gz", tmp_path / "other.db"
    assert "3 cubes" in run("export", str(file)).stdout
    assert "3 added" in run("import", str(file), "--store", str(other)).stdout
    assert [c["id"] for c in parsed(run("ls", "--store", str(other), "--json"))] == ids
    run("add", "elsewhere", "-n", "other")
    assert parsed(run("export", str(file), "-n", "other", "--json"))["cube"] == 1
    run("export", str(tmp_path / "no" / "where.jsonl"), expect=2)


def test_fsck_of_a_sound_store(run, ids, parsed):
    assert parsed(run("fsck", "--json")) == []
    assert "sound" in run("fsck", "--repair").stderr


def test_a_store_of_an_earlier_tuning_says_how_to_move_it(run, ids, store):
    with closing(sqlite3.connect(store)) as held, held:
        held.execute("UPDATE spaces SET name = name || '-before' WHERE state = 'active'")
    told = run("search", "Where does Ana live?", expect=1).stderr
    assert "mnemon reindex --embedder context" in " ".join(told.split())
    run("reindex", "--embedder", "context")
    assert run("search", "Where does Ana live?").stdout


def test_reindex(run, ids, parsed):
    assert parsed(run("reindex", "--json")) == {"vectors": 0}
    assert "vectors written" in run("reindex", "--embedder", "static").stdout
    run("reindex", "--embedder", "statc", expect=2)
    run("reindex", "--option", "a=1", expect=2)


def test_doctor_tells_all_parts(run, ids, monkeypatch, parsed):
    monkeypatch.setenv("MNEMON_API_KEY", "hidden")
    done = run("doctor", "--json")
    parts = {finding["part"] for finding in parsed(done)}
    assert parts == {"system", "packages", "extras", "store", "environment", "methods"}
    assert "hidden" not in done.stdout
    told = run("doctor").stdout
    assert "layout" in told
    assert "langchain: langchain-core " in told  # a long name keeps apart from what follows


def test_doctor_fails_when_something_is_missing(run, store, monkeypatch):
    assert "not made yet" in run("doctor").stdout
    assert not store.exists()
    monkeypatch.setattr("mnemon.cli.requirements._lines", lambda: ["nosuchpackage>=1"])
    done = run("doctor", expect=1)
    assert "pip install 'nosuchpackage>=1'" in done.stdout


def test_a_damaged_store_exits_with_3(run, store):
    store.write_bytes(b"no database at all")
    for command in (["search", "x"], ["add", "x"], ["fsck"]):
        assert "no Mnemon store" in run(*command, expect=3).stderr
    run("doctor", expect=1)
