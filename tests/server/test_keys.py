"""API keys: what the file holds, who gets in, and what a key opens."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from click.testing import CliRunner

from mnemon import Draft, Memory, Policy
from mnemon.cli.app import mnemon
from mnemon.errors import AccessDenied, InvalidInput, KeyRefused, NotFound, StoreCorrupt
from mnemon.server.keys import VERBS, beside
from mnemon.server.keys.file import place


@pytest.fixture
def keys(path):
    return beside(path)


def test_the_file_holds_hashes_and_is_its_owners_alone(keys, path):
    token, key = keys.add("ana", ["acme/ana"], ["read"])
    assert token not in place(path).read_text() and len(token) > 43
    assert place(path).stat().st_mode & 0o777 == 0o600
    assert (keys.find(token), beside(path).find(token)) == (key, key)
    assert keys.find(token[:-1]) is None and keys.find("") is None and keys.find("é\ud800") is None


def test_a_key_ends_by_time_by_revoking_and_by_rotation(keys):
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert keys.find(keys.add("late", None, VERBS, past)[0]) is None
    token, key = keys.add("ana", ["a"])
    newer, second = keys.rotate(key.id, timedelta(hours=1))
    assert keys.find(token) and keys.find(newer) == second
    assert (second.name, second.namespaces, second.verbs) == ("ana", ("a",), VERBS)
    newest, third = keys.rotate(second.id, timedelta(0))
    assert keys.find(newer) is None and keys.find(newest) == third
    keys.revoke(third.id)
    assert keys.find(newest) is None
    for call in (lambda: keys.rotate(third.id, timedelta(0)), lambda: keys.revoke("nobody")):
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize(
    ("name", "namespaces", "verbs"),
    [(" ", None, VERBS), ("a", [], VERBS), ("a", ["../x"], VERBS), ("a", None, ["fly"]),
     ("a", None, [])],
)  # fmt: skip
def test_a_key_that_says_too_little_is_refused(keys, name, namespaces, verbs):
    with pytest.raises(InvalidInput):
        keys.add(name, namespaces, verbs)
    assert keys.known() == ()


def test_a_file_nobody_can_read_lets_nobody_in(keys, path, serve, problem):
    token, _ = keys.add("ana", None)
    url = serve()
    place(path).write_text('{"keys": [{"id": ')
    answer = httpx2.get(f"{url}/v1/list", headers={"Authorization": f"Bearer {token}"})
    problem(answer, 500, "urn:mnemon:store-corrupt")
    with pytest.raises(StoreCorrupt):
        keys.known()


def test_keys_added_at_once_are_all_there(keys, path):
    def work():
        beside(path).add("x", None)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys.known()) == 8


def test_a_running_server_sees_keys_come_and_go(keys, serve):
    url = serve()
    with Memory(url) as free:
        free.add("before there were keys")
        token, key = keys.add("ana", ["default"])
        with pytest.raises(KeyRefused, match="needs an API key"):
            free.list()
    with Memory(url, api_key=token) as memory:
        assert memory.add("after").provenance.producer == "user"
        assert [event.actor for event in memory.log()] == ["user", "ana"]
        keys.revoke(key.id)
        with pytest.raises(KeyRefused, match="revoked"):
            memory.list()


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic eDp5", "bearer xyz", "Bearer \xe9"]
)
def test_no_key_no_entry(keys, serve, problem, header):
    keys.add("ana", None)
    told = {"Authorization": header.encode("latin-1")}
    answer = httpx2.get(f"{serve()}/v1/list", headers=told)
    problem(answer, 401, "urn:mnemon:key-refused")
    assert answer.headers["www-authenticate"] == "Bearer"


VERB_OF = {
    "read": lambda m, cube: m.get(cube),
    "write": lambda m, cube: m.update(cube, "changed"),
    "forget": lambda m, cube: m.forget(cube, dry_run=True),
    "admin": lambda m, cube: m.reflect(),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_key_does_what_its_verbs_say_and_no_more(keys, serve, path, verb):
    with Memory(path) as memory:
        id = memory.add("x").id
    token, _ = keys.add("ana", ["default"], [verb])
    with Memory(serve(), api_key=token) as memory:
        for name, call in VERB_OF.items():
            if name == verb:
                call(memory, id)
            else:
                with pytest.raises(AccessDenied, match=name):
                    call(memory, id)


def test_where_a_key_works_when_nobody_says(keys, serve):
    one, _ = keys.add("one", ["acme/ana"])
    two, _ = keys.add("two", ["acme/ana", "acme/ben"])
    url = f"{serve()}/v1/add"

    def add(token):
        answer = httpx2.post(
            url, json={"content": "x"}, headers={"Authorization": f"Bearer {token}"}
        )
        return answer.status_code, answer.json()

    status, cube = add(one)
    assert (status, cube["namespace"]) == (200, "acme/ana")
    status, told = add(two)
    assert status == 422 and "acme/ana, acme/ben" in told["detail"]


def test_a_key_acts_under_its_own_name(keys, serve):
    token, _ = keys.add("ana", ["default"])
    with Memory(serve(), api_key=token, actor="ben") as memory, pytest.raises(AccessDenied):
        memory.list()


def test_a_policy_names_keys(keys, serve):
    ana, ben = (keys.add(name, ["default"])[0] for name in ("ana", "ben"))
    url = serve()
    with Memory(url, api_key=ana) as hers, Memory(url, api_key=ben) as his:
        cube = hers.add(Draft("for Ana", policy=Policy(("ana",), ("ana",))))
        assert (his.list(), his.search("Ana"), hers.get(cube.id)) == ([], [], cube)
        with pytest.raises(NotFound):
            his.update(cube.id, "x")


def test_without_keys_a_web_page_is_kept_out(url, problem):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Host": "[x"}):
        answer = httpx2.post(f"{url}/v1/search", json={"query": "x"}, headers=headers)
        problem(answer, 403, "urn:mnemon:access-denied")
    assert httpx2.get(f"{url}/v1/list", headers={"Origin": url}).status_code == 200


def test_the_command_adds_lists_rotates_and_revokes(path, keys):
    def run(*args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", str(path), "key", *args])
        assert done.exit_code == expect, done.output
        return done

    token = run("add", "ana", "--in", "acme/ana", "--may", "read", "--expires", "90d").stdout
    (key,) = keys.known()
    assert keys.find(token.strip()) == key and key.namespaces == ("acme/ana",)
    assert timedelta(days=89) < key.expires_at - datetime.now(UTC) < timedelta(days=91)
    shown = json.loads(run("list", "--json").stdout)
    assert shown[0]["name"] == "ana" and "sha256" not in shown[0]
    newer = run("rotate", key.id, "--overlap", "1h").stdout.strip()
    assert keys.find(newer)
    run("revoke", keys.find(newer).id)
    assert keys.find(newer) is None and "revoked" in run("list").stdout
    for wrong in (["add", "x"], ["add", "x", "--everywhere", "--in", "a"]):
        run(*wrong, expect=2)
    run("add", "x", "--everywhere", "--expires", "soon", expect=2)
    run("revoke", "nobody", expect=1)
