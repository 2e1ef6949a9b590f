"""Who sees and does what: sessions, verbs, and two tenants that never cross."""

import json
import re

import pytest
from fastapi.routing import APIRoute

from mnemon import Memory
from mnemon.server.app import build
from mnemon.server.keys import beside
from mnemon.server.page.route import PageRoute
from mnemon.server.sessions import Sessions
from mnemon.server.sessions.file import SessionFile
from mnemon.server.settings import Settings

SECRET = "zebra"


def test_with_keys_one_signs_in_and_out(browser, keyed, memory, seen):
    memory.add("mine", namespace="acme/ana")
    token = keyed("ana", ["acme/ana"])
    page = browser()
    asked = page.get("/timeline?namespace=acme/ana")
    assert asked.url.path == "/login" and "Sign in" in seen(asked)
    wrong = page.post("/login", data={"key": "mnemon_nope"})
    assert wrong.status_code == 401 and "unknown, expired or revoked" in seen(wrong)
    assert not page.cookies
    target = re.search(r'name="next" value="([^"]*)"', asked.text)[1]
    inside = page.post("/login", data={"key": token, "next": target})
    assert inside.url.path == "/timeline" and "mine" in seen(inside)
    assert "ana" in seen(inside) and "Sign out" in seen(inside)
    assert page.post("/logout").url.path == "/login"
    assert page.get("/").url.path == "/login"


def test_the_cookie_is_closed_and_is_not_the_key(browser, keyed):
    token = keyed("ana", ["acme/ana"])
    page = browser()
    answer = page.post("/login", data={"key": token}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    assert token.lower() not in cookie and token not in str(page.get("/").url)
    secure = {"X-Forwarded-Proto": "https"}
    answer = page.post("/login", data={"key": token}, follow_redirects=False, headers=secure)
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_stolen_session_ends_with_signing_out(browser, keyed):
    page = browser(key=keyed("ana", ["acme/ana"]))
    cookies = dict(page.cookies)
    page.post("/logout")
    page.cookies.update(cookies)
    assert page.get("/").url.path == "/login"


def test_a_revoked_key_ends_its_sessions(browser, path, keyed):
    page = browser(key=keyed("ana", ["acme/ana"]))
    assert page.get("/").url.path == "/"
    beside(path).revoke(beside(path).known()[0].id)
    assert page.get("/").url.path == "/login"
    assert page.post("/add", data={"content": "x"}).url.path == "/login"


def test_sessions_end_by_themselves(path):
    keys = beside(path)
    _, key = keys.add("ana", None)
    short, long = (Sessions(SessionFile(path), keys, seconds) for seconds in (0, 60))
    assert short.key(short.begin(key)) is None
    assert long.key(long.begin(key)) == key and long.key("guessed") is None


def test_other_processes_and_later_ones_know_a_session(path):
    keys = beside(path)
    _, key = keys.add("ana", None)
    id = Sessions(SessionFile(path), keys).begin(key)
    other = Sessions(SessionFile(path), beside(path))
    assert other.key(id) == key
    other.end(id)
    assert Sessions(SessionFile(path), keys).key(id) is None
    held = path.with_name(f"{path.name}-sessions")
    assert id.encode() not in held.read_bytes() and held.stat().st_mode & 0o077 == 0


def test_signing_in_leads_nowhere_else(browser, keyed):
    token = keyed("ana", ["acme/ana"])
    page = browser()
    away = ("//evil.example", "https://evil.example", "/\\evil.example", "evil", "/\n/x", "http:")
    for next in away:
        answer = page.post("/login", data={"key": token, "next": next}, follow_redirects=False)
        assert answer.headers["location"] == "/", next


def test_without_keys_there_is_nothing_to_sign_in_to(browser):
    page = browser()
    assert page.get("/login").url.path == "/"
    assert "Sign out" not in page.get("/").text


def test_a_key_that_only_reads_is_offered_nothing_else(browser, keyed, memory):
    made = memory.add("mine", namespace="acme/ana")
    made = memory.update(made.id, "mine still", namespace="acme/ana")
    page = browser(key=keyed("reader", ["acme/ana"], "read"))
    for address in (f"/cubes/{made.id}", f"/cubes/{made.id}?version=1", "/", "/timeline"):
        html = page.get(address).text
        assert "mine" in html and "/add" not in html
        assert not re.search(r"/cubes/[\w-]+/(edit|forget|purge|restore)", html)
    for method, action in (("GET", "edit"), ("GET", "purge"), ("POST", "edit"),
                           ("POST", "forget"), ("POST", "restore"), ("POST", "purge")):  # fmt: skip
        answer = page.request(method, f"/cubes/{made.id}/{action}", data={"typed": made.id[-8:]})
        assert answer.status_code == 403, action
    assert (
        page.get("/add").status_code == page.post("/add", data={"content": "x"}).status_code == 403
    )
    assert memory.get(made.id, namespace="acme/ana").version == 2


def test_a_key_that_may_not_forget_edits(browser, keyed, memory):
    made = memory.add("mine", namespace="acme/ana")
    html = browser(key=keyed("writer", ["acme/ana"], "read", "write")).get(f"/cubes/{made.id}").text
    assert f"/cubes/{made.id}/edit" in html and f"/cubes/{made.id}/forget" not in html


def test_a_key_that_may_not_read_sees_nothing(browser, keyed, memory):
    made = memory.add("mine", namespace="acme/ana")
    token = keyed("blind", ["acme/ana"], "write")
    page = browser()
    page.post("/login", data={"key": token})
    for address in ("/", "/?q=mine", "/timeline", "/journal", "/storage", f"/cubes/{made.id}"):
        answer = page.get(address)
        assert answer.status_code == 403 and ">mine<" not in answer.text
    assert "Sign out" in page.get("/").text


# Every address of the page, each aimed at the other tenant's cube and namespace.
AIMED = {
    ("GET", "/"): ["?q=zebra", ""], ("GET", "/timeline"): ["", "?as_of=2999-01-01"],
    ("GET", "/namespaces"): [""], ("GET", "/journal"): ["", "?before=99"],
    ("GET", "/journal/events"): ["?after=0"], ("GET", "/storage"): ["", "?stale=true"],
    ("GET", "/add"): [""], ("POST", "/add"): [""], ("GET", "/cubes/{id}"): ["", "?version=1"],
    ("GET", "/cubes/{id}/edit"): [""], ("POST", "/cubes/{id}/edit"): [""],
    ("POST", "/cubes/{id}/restore"): [""], ("POST", "/cubes/{id}/forget"): [""],
    ("GET", "/cubes/{id}/purge"): [""], ("POST", "/cubes/{id}/purge"): [""],
    ("GET", "/static/{name}"): [""], ("GET", "/login"): [""], ("POST", "/login"): [""],
    ("POST", "/logout"): [""],
}  # fmt: skip


def test_the_table_has_every_address(path):
    app = build(Settings(path))
    found = {(method, route.path) for route in _routes(app.routes) for method in route.methods}
    app.state.service.memory.close()
    assert found == set(AIMED)


def _routes(routes):
    for route in routes:
        if isinstance(route, PageRoute):
            yield route
        elif not isinstance(route, APIRoute) and hasattr(route, "original_router"):
            yield from _routes(route.original_router.routes)


@pytest.mark.parametrize(
    ("mine", "theirs"), [("acme/ana", "acme/ana-x"), ("an", "ana"), ("a/b", "a")]
)
def test_no_address_reaches_the_other_tenant(browser, keyed, path, memory, mine, theirs):
    memory.add("my own", namespace=mine)
    victim = memory.add(f"the secret {SECRET}", namespace=theirs, speaker="Theo")
    state = _state(path, theirs, mine)
    page = browser(key=keyed("intruder", [mine]))
    form = {"version": "1", "content": "intruder", "typed": victim.id[-8:], "plan": "1/1/0/0"}
    for named in (True, False):
        for method, address, query in _aims():
            aimed = page.base_url.join(f"{address.replace('{id}', victim.id)}{query}")
            where = {"namespace": theirs} if named else {}
            data = form if method == "POST" else None
            answer = page.request(method, aimed.copy_merge_params(where), data=data)
            told = answer.text
            assert f"secret {SECRET}" not in told and "Theo" not in told, aimed
            if named and address != "/namespaces":
                assert answer.status_code == 403, aimed
            if "{id}" not in address:
                assert victim.id not in told, aimed
            elif not named:  # nothing of that name is here: to see, to change or to purge
                assert answer.status_code == 404 or "nothing to purge" in told, aimed
    assert _state(path, theirs, mine) == state


def _aims():
    for (method, address), queries in AIMED.items():
        if address not in ("/login", "/logout", "/static/{name}"):
            yield from ((method, address, query) for query in queries)


def _state(path, theirs, mine):
    """All that the other holds, with its journal; not what lies in one's own, below it."""
    with Memory(path) as memory:
        lines = [json.loads(line) for line in memory.dump(namespace=theirs)][1:-1]
        log = memory.log(namespace=theirs, limit=-1)
    inside = mine.startswith(f"{theirs}/")
    return (
        [line for line in lines if not (inside and mine in str(line))],
        [event for event in log if not (inside and event.namespace == mine)],
    )


def test_a_key_sees_only_its_own_namespaces_and_sizes(browser, keyed, memory, seen):
    memory.add("x", namespace="acme/ana/deep")
    memory.add("y", namespace="acme/ben")
    page = browser(key=keyed("ana", ["acme/ana"]))
    told = seen(page.get("/namespaces"))
    assert "deep" in told and "ben" not in told
    assert "The whole store" not in seen(page.get("/storage"))
    owner = browser(key=keyed("owner", None))
    assert "ben" in seen(owner.get("/namespaces"))
    assert "The whole store" in seen(owner.get("/storage"))
