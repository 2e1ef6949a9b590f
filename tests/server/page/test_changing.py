import re
import sqlite3
from functools import partial
from html import unescape

import pytest

from mnemon import Draft, Memory
from mnemon.cube import Policy, Span
from mnemon.errors import NotFound
from mnemon.server import app
from mnemon.server.audit.file import beside


@pytest.fixture
def cube(memory):
    return memory.add("Ana lives in Lisbon.", speaker="Ana", at="2025-03-09")


def fields(answer):
    """What a page's form would send as it stands."""
    found = {}
    for tag, attributes, text in re.findall(
        r"<(input|textarea)\b([^>]*)>(?:\n?([^<]*)</textarea>)?", answer.text
    ):
        name = re.search(r'name="(\w+)"', attributes)
        value = re.search(r'value="([^"]*)"', attributes)
        if name:
            found[name[1]] = unescape(text if tag == "textarea" else value[1] if value else "")
    return found


def test_an_edit_is_a_new_version_and_can_be_undone(browser, memory, cube, seen):
    page = browser()
    form = fields(page.get(f"/cubes/{cube.id}/edit"))
    assert form["content"] == "Ana lives in Lisbon." and form["version"] == "1"
    done = page.post(f"/cubes/{cube.id}/edit", data=form | {"content": "Ana lives\r\nin Porto."})
    assert "Version 2 is saved." in seen(done) and ">Undo</button>" in done.text
    assert memory.get(cube.id).content == "Ana lives\nin Porto."
    assert (
        memory.get(cube.id).speaker == "Ana" and memory.get(cube.id).valid_from == cube.valid_from
    )
    undone = page.post(f"/cubes/{cube.id}/restore", data={"version": "1"})
    assert "saved as version 3" in seen(undone)
    assert memory.get(cube.id).content == "Ana lives in Lisbon."


def test_what_the_page_changes_is_in_the_audit_log(browser, memory, cube, path):
    page = browser()
    form = fields(page.get(f"/cubes/{cube.id}/edit"))
    page.post(f"/cubes/{cube.id}/edit", data=form | {"content": "Ana lives in Porto."})
    page.post(f"/cubes/{cube.id}/forget")
    page.post(f"/cubes/{cube.id}/restore")
    page.post("/add", data={"content": "Ben too."})
    told = [entry for _, entry in beside(path).entries()]
    assert [entry.verb for entry in told] == ["update", "forget", "restore", "add"]
    assert all(entry.ids == (cube.id,) for entry in told[:3])


def test_an_undo_does_not_undo_others_work(browser, memory, cube, seen):
    page = browser()
    form = fields(page.get(f"/cubes/{cube.id}/edit")) | {"content": "Ana lives in Porto."}
    undo = fields(page.post(f"/cubes/{cube.id}/edit", data=form))
    memory.update(cube.id, "Ana lives in Faro.")
    late = page.post(f"/cubes/{cube.id}/restore", data=undo)
    assert late.status_code == 409 and "is at version 3, not 2" in seen(late)
    assert memory.get(cube.id).content == "Ana lives in Faro."


def test_an_edit_that_changes_nothing_makes_no_version(browser, memory, seen):
    made = memory.add("two\r\nlines")
    page = browser()
    form = fields(page.get(f"/cubes/{made.id}/edit"))
    assert "Nothing was changed" in seen(page.post(f"/cubes/{made.id}/edit", data=form))
    assert memory.get(made.id).version == 1


def test_the_header_can_be_edited_and_emptied(browser, memory, cube):
    page = browser()
    form = fields(page.get(f"/cubes/{cube.id}/edit"))
    told = {
        "speaker": "",
        "kind": "fact",
        "session": "s1",
        "valid_to": "2026-01-01",
        "at": "2024-01-01",
    }
    page.post(f"/cubes/{cube.id}/edit", data=form | told)
    now = memory.get(cube.id)
    assert (now.speaker, now.kind, now.session) == (None, "fact", "s1")
    assert (now.valid_from.year, now.valid_to.year) == (2024, 2026)


def test_who_was_slower_sees_the_other_text_and_keeps_his_own(browser, memory, cube, seen):
    page = browser()
    form = fields(page.get(f"/cubes/{cube.id}/edit"))
    memory.update(cube.id, "Ana lives in Porto.")
    late = page.post(f"/cubes/{cube.id}/edit", data=form | {"content": "Ana lives in Faro."})
    assert late.status_code == 409 and "Somebody saved version 2 meanwhile" in seen(late)
    assert "<del>Porto</del><ins>Faro</ins>" in late.text
    assert memory.get(cube.id).content == "Ana lives in Porto."
    again = page.post(f"/cubes/{cube.id}/edit", data=fields(late))
    assert "Version 3 is saved." in seen(again)
    assert memory.get(cube.id).content == "Ana lives in Faro."


def test_a_wrong_field_keeps_what_was_typed(browser, cube, seen):
    page = browser()
    form = fields(page.get(f"/cubes/{cube.id}/edit")) | {"content": "kept", "at": "someday"}
    wrong = page.post(f"/cubes/{cube.id}/edit", data=form)
    assert wrong.status_code == 422 and "ISO 8601" in seen(wrong)
    assert fields(wrong)["content"] == "kept" and fields(wrong)["at"] == "someday"
    assert page.post(f"/cubes/{cube.id}/edit", data=form | {"version": "x"}).status_code == 422
    assert page.post(f"/cubes/{cube.id}/edit", json=form).status_code == 422


def test_adding_by_hand(browser, memory, seen):
    page = browser()
    done = page.post(
        "/add?namespace=acme/ana", data={"content": "Miso is grey.", "at": "2025-01-02"}
    )
    assert "Remembered." in seen(done) and "Miso is grey." in seen(done)
    assert memory.search("Miso", namespace="acme/ana")[0].cube.valid_from.year == 2025
    empty = page.post("/add", data={"content": " ", "speaker": "Ana"})
    assert empty.status_code == 422 and fields(empty)["speaker"] == "Ana"


def test_forgetting_can_be_undone_with_its_links(browser, memory, cube, seen):
    other = memory.add("She likes it.")
    third = memory.add("It is warm there.")
    memory.link(other.id, "about", cube.id, weight=0.5, metadata={"by": "hand"})
    memory.link(cube.id, "similar", third.id)
    page = browser()
    done = page.post(f"/cubes/{cube.id}/forget")
    assert "Forgotten: 1 cube, 2 links ended" in seen(done)
    with pytest.raises(NotFound):
        memory.get(cube.id)
    assert not memory.search("Lisbon") or memory.search("Lisbon")[0].cube.id != cube.id
    memory.forget(third.id)
    back = page.post(f"/cubes/{cube.id}/restore", data={})
    assert "It is back, as version 2, with 1 link" in seen(back)
    assert "1 link could not be made again" in seen(back)
    assert memory.get(cube.id).content == "Ana lives in Lisbon."
    (link,) = memory.links(cube.id)
    assert (link.src, link.weight, link.metadata) == (other.id, 0.5, {"by": "hand"})
    assert page.post(f"/cubes/{cube.id}/restore", data={}).status_code == 200
    assert memory.get(cube.id).version == 2


def test_a_forgotten_cube_can_be_brought_back_later(browser, memory, cube, seen):
    memory.forget(cube.id)
    page = browser()
    told = page.get(f"/cubes/{cube.id}")
    assert "Forgotten on" in seen(told) and "Bring it back" in seen(told)
    assert f"/cubes/{cube.id}/edit" not in told.text and f"/cubes/{cube.id}/forget" not in told.text


def test_a_purge_shows_its_numbers_and_wants_the_id_typed(browser, memory, path, cube, seen):
    memory.update(cube.id, "Ana lives in Porto.")
    derived = memory.add(
        Draft("Ana moved.", spans=(Span(cube.id, 2),), producer="method:text.extract/centroid@1")
    )
    page = browser()
    asked = page.get(f"/cubes/{cube.id}/purge")
    assert "This cannot be undone" in seen(asked) and "All 2 cubes" in seen(asked)
    assert re.search(r"cubes 2 versions 3", seen(asked))
    form = fields(asked)
    wrong = page.post(f"/cubes/{cube.id}/purge", data=form | {"typed": "yes"})
    assert wrong.status_code == 422 and memory.get(cube.id)
    memory.update(cube.id, "Ana lives in Faro.")
    moved = page.post(f"/cubes/{cube.id}/purge", data=form | {"typed": cube.id[-8:]})
    assert moved.status_code == 409 and "has changed meanwhile" in seen(moved)
    done = page.post(f"/cubes/{cube.id}/purge", data=fields(moved) | {"typed": cube.id[-8:]})
    told = seen(done)
    assert done.status_code == 200 and "Purged" in told and cube.id in told
    assert "Ana" not in told and "Undo" not in told
    assert b"Lisbon" not in path.read_bytes()
    with pytest.raises(NotFound):
        memory.history(derived.id)
    assert page.get(f"/cubes/{cube.id}").status_code == 404


def test_a_policy_of_other_writers_takes_the_buttons_away(browser, memory, cube):
    memory.update(cube.id, policy=Policy(writers=("bob",)))
    page = browser()
    html = page.get(f"/cubes/{cube.id}").text
    assert not re.search(r"/(edit|forget|purge|restore)\?", html)
    assert page.post(f"/cubes/{cube.id}/forget").status_code == 403


def test_forms_of_other_sites_are_refused(browser, memory, cube, keyed):
    owner = keyed("owner", None)
    page = browser(key=owner)
    for origin in ("http://evil.example", "null", "http://[bad", "http://127.0.0.1:1"):
        headers = {"Origin": origin}
        for action in ("edit", "forget", "restore", "purge"):
            answer = page.post(f"/cubes/{cube.id}/{action}", data={"content": "x"}, headers=headers)
            assert answer.status_code == 403
        assert page.post("/add", data={"content": "x"}, headers=headers).status_code == 403
        assert page.post("/login", data={"key": owner}, headers=headers).status_code == 403
    del page.headers["Origin"]
    assert page.post(f"/cubes/{cube.id}/forget").status_code == 403
    assert [one.version for one in memory.history(cube.id)] == [1] and memory.count() == 1
    own = {"Sec-Fetch-Site": "same-origin"}
    assert page.post(f"/cubes/{cube.id}/forget", headers=own).status_code == 200
    assert memory.count() == 0


def test_a_purge_that_readers_hold_up_says_so(browser, path, cube, seen, monkeypatch):
    monkeypatch.setattr(app, "Memory", partial(Memory, timeout=0.2))
    page = browser()
    form = fields(page.get(f"/cubes/{cube.id}/purge")) | {"typed": cube.id[-8:]}
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM cubes").fetchone()
    told = seen(page.post(f"/cubes/{cube.id}/purge", data=form, timeout=60))
    reader.close()
    assert "mnemon fsck --repair" in told and "possibly, see above" in told and cube.id in told
