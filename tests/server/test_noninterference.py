"""Two tenants on one server get the answers that each would get on a server of their own.

Ana and Ben call at random, through REST, MCP (over the file, and at `/mcp` with a key) and the
page, also at each other's namespaces and ids (the proxy has a property of its own in
`proxy/test_callers.py`). Every call is made twice: on the server that they share, and on one where
the caller is alone. Whatever shows of the other (a count, an id, a score, an ETag, the words of an
error, a page's end) would make the two answers differ.
"""

from __future__ import annotations

import itertools
import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from mnemon import Memory
from mnemon.identity import new_id
from mnemon.server.keys import beside
from mnemon.server.mcp.own import Own
from mnemon.server.mcp.serving import call
from mnemon.server.page.viewer import Viewer
from mnemon.server.settings import Settings

from .conftest import running

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
STAMP = re.compile(r'"stamp": ?"[^"]*"')  # the store's own id, which is nobody's cube
# What the clock or the machine decides; `seq` numbers all tenants' events together, see
# docs/security.md; a stamp has the store's id; reads are counted when a thousand have gathered; the
# space is there once anybody has added anything.
VOLATILE = {
    "at", "recorded_at", "retired_at", "valid_from", "valid_to", "created_at", "seq", "usage", "ms",
    "view_ms", "stamp", "space",
}  # fmt: skip
CLOCKED = re.compile(
    r"\d{1,2} \w{3} \d{4}|\b\d\d:\d\d(:\d\d)?\b|\d{4}-\d\d-\d\dT[\d:.+]*|(?<=Reads</dt><dd>)[^<]*"
    r'|data-seq="\d+"|(seq|before|after|latest|newest)="?\d+'
)
WORDS = ("zebra", "lemon tree", "Ana's balcony", "the plumber's number", "Miso the cat")
MCP_KINDS = "application/json, text/event-stream"
NAMES = [("an", "ana"), ("acme/ana", "acme/ana-x"), ("ana", "Ana"), ("é", "e"), ("a/b", "a/c")]


@dataclass
class Place:
    """A server over a store, and a desk of its own for MCP."""

    path: Path
    http: httpx2.Client

    def ask(self, token: str, method: str, address: str, **sent: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}", **sent.pop("headers", {})}
        return self.http.request(method, address, headers=headers, **sent)

    def tool(
        self, token: str, namespace: str | None, name: str, arguments: dict[str, Any],
        addressed: bool,
    ) -> httpx2.Response:  # fmt: skip
        """A tool called at `/mcp`; a header, or the address itself, says where."""
        params = {"name": name, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers, address = {"Accept": MCP_KINDS}, "/mcp"
        if namespace is not None and addressed:
            address = f"/mcp/{quote(namespace)}"
        elif namespace is not None:
            headers["Mnemon-Namespace"] = quote(namespace)
        return self.ask(token, "POST", address, json=message, headers=headers)

    def signed_in(self, token: str) -> str:
        """The session's cookie of a browser that signs in with a key."""
        url = str(self.http.base_url).rstrip("/")
        told = {"data": {"key": token}, "headers": {"Origin": url}}
        answer = httpx2.post(f"{url}/login", verify=False, **told)
        return answer.headers["set-cookie"].partition(";")[0]

    def look(self, cookie: str, address: str, query: dict[str, str]) -> httpx2.Response:
        return self.http.get(address, params=query, headers={"Cookie": cookie})


@dataclass
class Tenant:
    """One of two. `ids` pairs what the shared server calls a cube with what the other one does."""

    name: str
    namespace: str
    alone: Place
    tokens: tuple[str, str]
    cookies: tuple[str, str]
    desks: tuple[Own, Own]
    ids: dict[str, str] = field(default_factory=dict)
    cursors: list[tuple[str, str]] = field(default_factory=list)


counter = itertools.count()


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A shared server, and two for one tenant each."""
    with ExitStack() as stack:
        found = []
        for name in ("shared", "ana", "ben"):
            path = tmp_path_factory.mktemp(name) / "served.db"
            url = stack.enter_context(running(Settings(path, port=0, audit="off")))
            client = httpx2.Client(base_url=url, timeout=30, verify=False)
            found.append(Place(path, stack.enter_context(client)))
        yield found


def machine(places: list[Place]) -> type[RuleBasedStateMachine]:
    shared, *others = places

    class Tenants(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            root = f"run{next(counter)}"
            pair = NAMES[int(root[3:]) % len(NAMES)]
            self.tenants = [
                self._tenant(name, f"{root}/{path}", alone)
                for name, path, alone in zip(("ana", "ben"), pair, others, strict=True)
            ]

        def _tenant(self, name: str, namespace: str, alone: Place) -> Tenant:
            stores = (shared.path, alone.path)
            tokens = tuple(beside(path).add(name, [namespace])[0] for path in stores)
            desks = tuple(Own(str(path), namespace) for path in stores)
            cookies = tuple(
                place.signed_in(token) for place, token in zip((shared, alone), tokens, strict=True)
            )
            return Tenant(name, namespace, alone, tokens, cookies, desks)

        def teardown(self) -> None:
            # What each holds in the end is what it would hold alone.
            for tenant, other in (self.tenants, self.tenants[::-1]):
                for address in ("/v1/count", "/v1/export"):
                    one = shared.ask(tenant.tokens[0], "GET", address)
                    two = tenant.alone.ask(tenant.tokens[1], "GET", address)
                    self._compare(tenant, other, one.text, two.text, "")
            for tenant in self.tenants:
                for desk in tenant.desks:
                    desk.close()

        @rule(who=st.integers(0, 1), name=st.sampled_from(sorted(CALLS)), data=st.data())
        def rest(self, who: int, name: str, data: st.DataObject) -> None:
            tenant, other = self.tenants[who], self.tenants[1 - who]
            method, address, sent = CALLS[name](_Draws(data, tenant, other))
            mine = _exchanged(sent, tenant), _exchanged(address, tenant)
            one = shared.ask(tenant.tokens[0], method, address, **sent)
            two = tenant.alone.ask(tenant.tokens[1], method, mine[1], **mine[0])
            told = {"sent": (method, address, sent), "answer": one.text}
            assert one.status_code == two.status_code < 500, (told, two.text)
            for header in ("etag", "content-type", "retry-after", "www-authenticate"):
                assert one.headers.get(header) == two.headers.get(header), told
            self._compare(
                tenant, other, one.text, two.text, json.dumps([address, sent], default=str)
            )
            if name == "list" and one.status_code == 200 and one.json()["next"]:
                tenant.cursors.append((one.json()["next"], two.json()["next"]))

        @rule(who=st.integers(0, 1), name=st.sampled_from(sorted(TOOLS)), data=st.data())
        def mcp(self, who: int, name: str, data: st.DataObject) -> None:
            tenant, other = self.tenants[who], self.tenants[1 - who]
            arguments = TOOLS[name](_Draws(data, tenant, other))
            mine = _exchanged(arguments, tenant)
            one, two = (
                call(own.desk, name, given)
                for own, given in zip(tenant.desks, (arguments, mine), strict=True)
            )
            texts = [json.dumps([a.content[0].text, a.structured_content]) for a in (one, two)]
            assert one.is_error == two.is_error, texts
            self._compare(tenant, other, *texts, json.dumps(arguments))

        @rule(who=st.integers(0, 1), name=st.sampled_from(sorted(TOOLS)), data=st.data())
        def mcp_with_a_key(self, who: int, name: str, data: st.DataObject) -> None:
            tenant, other = self.tenants[who], self.tenants[1 - who]
            draw = _Draws(data, tenant, other)
            arguments, where = TOOLS[name](draw), draw.where().get("namespace")
            exchanged, addressed = _exchanged(arguments, tenant), draw.of(False, True)
            one = shared.tool(tenant.tokens[0], where, name, arguments, addressed)
            two = tenant.alone.tool(tenant.tokens[1], where, name, exchanged, addressed)
            assert one.status_code == two.status_code < 500, (one.text, two.text)
            self._compare(tenant, other, one.text, two.text, json.dumps(arguments))

        @rule(who=st.integers(0, 1), name=st.sampled_from(sorted(PAGES)), data=st.data())
        def page(self, who: int, name: str, data: st.DataObject) -> None:
            tenant, other = self.tenants[who], self.tenants[1 - who]
            draw = _Draws(data, tenant, other)
            asked = PAGES[name](draw), {**draw.where(), "q": draw.word()}
            one = shared.look(tenant.cookies[0], *asked)
            two = tenant.alone.look(tenant.cookies[1], *_exchanged([*asked], tenant))
            assert one.status_code == two.status_code < 500, (asked, one.text, two.text)
            said = json.dumps(asked)
            assert not [id for id in UUID.findall(one.text) if id in other.ids and id not in said]
            self._pair(tenant, one.text, two.text)  # an import tells no ids: a page may be first
            assert _drawn(_exchanged(one.text, tenant)) == _drawn(two.text), asked

        def _pair(self, tenant: Tenant, shared: str, alone: str) -> list[tuple[str, str]]:
            ids = [UUID.findall(STAMP.sub("", text)) for text in (shared, alone)]
            pairs = list(zip(*ids, strict=False))
            for one, two in pairs:
                if one != two:
                    tenant.ids.setdefault(one, two)
            return pairs

        def _compare(
            self, tenant: Tenant, other: Tenant, shared: str, alone: str, said: str
        ) -> None:
            for one, _ in self._pair(tenant, shared, alone):
                assert one not in other.ids or one in said, (said, shared)
            assert _normal(_exchanged(shared, tenant)) == _normal(alone), (said, shared)

    return Tenants


def _exchanged(value: Any, tenant: Tenant) -> Any:
    """Ids of the shared server → those of the tenant's own."""
    if isinstance(value, str):
        for cursor, mine in tenant.cursors:
            value = mine if value == cursor else value
        ends = {one[-8:]: two[-8:] for one, two in tenant.ids.items()}  # as MCP says them
        whole = UUID.sub(lambda found: tenant.ids.get(found[0], found[0]), value)
        return re.sub(r"\b[0-9a-f]{8}\b", lambda found: ends.get(found[0], found[0]), whole)
    if isinstance(value, dict):
        return {name: _exchanged(one, tenant) for name, one in value.items()}
    if isinstance(value, list):
        return [_exchanged(one, tenant) for one in value]
    return value


def _normal(text: str) -> Any:
    try:
        return _stripped(json.loads(text))
    except ValueError:
        lines = [json.loads(line) for line in text.splitlines()]  # an export
        return [_stripped(one) for one in lines[1:-1]], lines[-1]["end"] if lines else None


def _drawn(page: str) -> str:
    """A page without what the clock decides, and without the numbers of the journal."""
    return CLOCKED.sub("", page)


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: bool(one) if name == "next" else _stripped(one)
            for name, one in value.items()
            if name not in VOLATILE
        }
    if isinstance(value, list):
        found = [_stripped(one) for one in value]
        return sorted(found) if found and all(isinstance(one, str) for one in found) else found
    return value


class _Draws:
    """What a caller may say: own and foreign names, ids that exist, existed or never did."""

    def __init__(self, data: st.DataObject, tenant: Tenant, other: Tenant) -> None:
        self._data, self._tenant, self._other = data, tenant, other

    def of(self, *options: Any) -> Any:
        return self._data.draw(st.sampled_from(options))

    def where(self) -> dict[str, str]:
        mine, theirs = self._tenant.namespace, self._other.namespace
        named = self.of(None, mine, f"{mine}/x", theirs, f"{theirs}/x", mine.rpartition("/")[0])
        return {} if named is None else {"namespace": named}

    def id(self) -> str:
        known = [*self._tenant.ids, *list(self._other.ids)[-3:], NOBODY]
        return self.of(*known)

    def word(self) -> str:
        return self.of(*WORDS)

    def cursor(self) -> str | None:
        return self.of(None, *(one for one, _ in self._tenant.cursors))


NOBODY = new_id()
EXAMPLES = 6  # of 25 calls each; run with hundreds after changing what tenants share


def post(address: str, draw: _Draws, **body: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", f"/v1/{address}", {"json": {**draw.where(), **body}}


def get(address: str, draw: _Draws, **query: Any) -> tuple[str, str, dict[str, Any]]:
    told = {name: value for name, value in query.items() if value is not None}
    return "GET", f"/v1/{address}", {"params": {**draw.where(), **told}}


CALLS = {
    "add": lambda d: post("add", d, content=d.word(), speaker=d.of(None, "Ana", "Theo")),
    "add many": lambda d: post("add", d, content=[d.word(), d.word()], session="s"),
    "add a key": lambda d: post("add", d, content=d.word(), key=d.of("one", "two")),
    "add derived": lambda d: post("add", d, content={
        "content": d.word(), "spans": [{"cube": d.id(), "version": 1}], "producer": "method:x@1"}),
    "add linked": lambda d: post("add", d, content={
        "content": d.word(), "confidence": 1, "links": [["about", d.of("one", "two")]]}),
    "update": lambda d: post(f"update/{d.id()}", d, content=d.word()),
    "update if": lambda d: (*post(f"update/{d.id()}", d, content=d.word())[:2], {
        "json": {**d.where(), "content": d.word()}, "headers": {"If-Match": d.of('"1"', '"2"')}}),
    "rollback": lambda d: post("rollback", d, to=d.of("2020-01-01", "2090-01-01")),
    "restore": lambda d: post(f"restore/{d.id()}", d),
    "link": lambda d: post("link", d, src=d.id(), type="about", dst=d.id()),
    "unlink": lambda d: post("unlink", d, src=d.id(), type="about", dst=d.id()),
    "feedback": lambda d: post("feedback", d, ids=d.id(), helpful=True),
    "forget": lambda d: post("forget", d, ids=[d.id(), d.id()], dry_run=d.of(True, False)),
    "purge": lambda d: post("forget", d, ids=d.id(), purge=True),
    "forget a speaker": lambda d: post("forget", d, speaker=d.of("Ana", "Theo")),
    "forget a person": lambda d: post(
        "forget", d, person=d.of("Ana", "Theo"), dry_run=d.of(True, False)),
    "search": lambda d: post("search", d, query=d.word(), k=5, explain=True),
    "recall": lambda d: post("recall", d, query=d.word(), budget=d.of(10, 500)),
    "recall what fits": lambda d: post("recall", d, query=d.word(), min_score=0.01),
    "get": lambda d: get(f"get/{d.id()}", d),
    "get if": lambda d: (*get(f"get/{d.id()}", d)[:2], {
        "params": d.where(), "headers": {"If-None-Match": d.of('"1"', '"2"')}}),
    "list": lambda d: get("list", d, limit=2, cursor=d.cursor()),
    "list after": lambda d: get("list", d, after=d.id()),
    "count": lambda d: get("count", d),
    "find": lambda d: get("find", d, ending=d.id()[-8:]),
    "history": lambda d: get(f"history/{d.id()}", d),
    "links": lambda d: get(f"links/{d.id()}", d),
    "log": lambda d: get("log", d, cube=d.of(None, d.id())),
    "expired": lambda d: get("expired", d, now="9000-01-01"),
    "namespaces": lambda d: ("GET", "/v1/namespaces", {}),
    "status": lambda d: ("GET", "/v1/status", {}),
    "size": lambda d: ("GET", "/v1/size", {}),
    "metrics": lambda d: ("GET", "/metrics", {}),
    "reflect": lambda d: post("reflect", d),
    "compile": lambda d: post("compile", d, selection=d.of({}, d.id()), model="no such model"),
    "export": lambda d: get("export", d),
    "import": lambda d: ("POST", "/v1/import", {
        "params": {**d.where(), "name": "a.md"}, "content": f"# x\n\n{d.word()}\n".encode()}),
}  # fmt: skip

PAGES = {
    "search": lambda d: "/",
    "timeline": lambda d: "/timeline",
    "namespaces": lambda d: "/namespaces",
    "journal": lambda d: "/journal",
    "storage": lambda d: "/storage",
    "cube": lambda d: f"/cubes/{d.id()}",
    "edit": lambda d: f"/cubes/{d.id()}/edit",
    "purge": lambda d: f"/cubes/{d.id()}/purge",
}

TOOLS = {
    "add_memory": lambda d: {"content": d.word(), "namespace": d.of("x", "../x", "y")},
    "search_memory": lambda d: {"query": d.word()},
    "recall": lambda d: {"query": d.word()},
    "update_memory": lambda d: {"id": d.id(), "version": d.of(1, 2), "content": d.word()},
    "forget_memory": lambda d: {"ids": [d.id()], "purge": d.of(True, False)},
    "memory_status": lambda d: {},
}


def test_neither_shows_nor_changes_anything_of_the_other(places):
    run_state_machine_as_test(
        machine(places),
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=25, deadline=None, database=None,
            phases=[Phase.generate], report_multiple_bugs=False,  # shrinking takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_the_property_sees_what_a_page_shows(places, monkeypatch):
    # A page that counts everything's cubes in its own namespace.
    counted = Viewer.namespaces
    monkeypatch.setattr(Viewer, "namespaces", lambda viewer: [
        (path, viewer.grant.memory.size()["cubes"]) for path, _ in counted(viewer)
    ])  # fmt: skip
    monkeypatch.setitem(globals(), "EXAMPLES", 80)  # it ends with the first that shows it
    for rules, name in ((CALLS, "add"), (TOOLS, "memory_status"), (PAGES, "namespaces")):
        for other in rules.keys() - {name}:
            monkeypatch.delitem(rules, other)
    with pytest.raises(AssertionError):
        test_neither_shows_nor_changes_anything_of_the_other(places)


def test_the_property_can_fail(places, monkeypatch):
    # A server whose counts are of everything: the comparison must see it.
    monkeypatch.setattr(Memory, "count", lambda self, **_: self.size()["cubes"])
    with pytest.raises(AssertionError):
        test_neither_shows_nor_changes_anything_of_the_other(places)
