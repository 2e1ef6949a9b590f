"""The routes as plain HTTP: status codes, ETags, idempotency, cursors, problems, documents."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mnemon import MemCube, Memory
from mnemon.errors import KeyReused
from mnemon.wire.plain import plain
from mnemon.wire.values import revive


def add(http, content="Ana moved to Lisbon.", **more):
    answer = http.post("/add", json={"content": content, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_cube_is_what_the_command_line_shows(http, path):
    told = add(http, speaker="Ana", at="2025-03-09", metadata={"where": None})
    with Memory(path) as memory:
        cube = memory.get(told["id"])
    assert told == json.loads(json.dumps(plain(cube)))
    assert revive(MemCube, told) == cube


def test_what_was_added_is_searched_recalled_and_listed(http):
    one, two = add(http, ["Ana moved to Lisbon.", {"role": "user", "content": "We have a cat."}])
    (hit, *_) = http.post("/search", json={"query": "Where does Ana live?"}).json()
    assert hit["cube"]["id"] == one["id"] and 0 <= hit["score"] <= 1
    recalled = http.post("/recall", json={"query": "cat", "budget": 100}).json()
    assert "We have a cat." in recalled["text"]
    assert [cube["id"] for cube in http.get("/list").json()["cubes"]] == [one["id"], two["id"]]
    assert http.get("/list", params={"speaker": "user"}).json()["cubes"][0]["id"] == two["id"]
    assert http.get("/count").json() == {"count": 2}


def test_an_etag_is_a_version(http, problem):
    cube = add(http)
    first = http.get(f"/get/{cube['id']}")
    assert first.headers["etag"] == '"1"'
    known = http.get(f"/get/{cube['id']}", headers={"If-None-Match": 'W/"1", "9"'})
    assert (known.status_code, known.content) == (304, b"")
    match = {"If-Match": '"1"'}
    assert http.post("/add", json={"content": "A cat."}).headers["etag"] == '"1"'
    changed = http.post(f"/update/{cube['id']}", json={"content": "Porto."}, headers=match)
    assert changed.headers["etag"] == '"2"'
    late = http.post(f"/update/{cube['id']}", json={"content": "Faro."}, headers=match)
    told = problem(late, 412, "urn:mnemon:version-conflict")
    assert (told["id"], told["expected"], told["current"]) == (cube["id"], 1, 2)
    body = http.post(f"/update/{cube['id']}", json={"content": "Faro.", "version": 1})
    problem(body, 409, "urn:mnemon:version-conflict")
    problem(http.post("/forget", json={"ids": cube["id"]}, headers=match), 412, told["type"])
    done = http.post("/forget", json={"ids": cube["id"]}, headers={"If-Match": '"2"'}).json()
    assert done["ids"] == [cube["id"]]
    problem(http.get(f"/get/{cube['id']}"), 404, "urn:mnemon:not-found")


@pytest.mark.parametrize("header", ["3", 'W/"3"', '"x"', '"1", "2"', ""])
def test_an_if_match_that_is_no_etag_is_refused(shared, header, problem):
    call = shared.post("/update/nobody", json={"content": "x"}, headers={"If-Match": header})
    problem(call, 422, "urn:mnemon:invalid-input")


def test_an_idempotency_key_adds_once(http, problem):
    key = {"Idempotency-Key": "turn-1"}
    one = http.post("/add", json={"content": "once"}, headers=key).json()
    assert one["key"] == "turn-1"
    assert http.post("/add", json={"content": "once"}, headers=key).json() == one
    batch = {"content": ["a", {"role": "user", "content": "b"}, {"content": "c", "key": "own"}]}
    key = {"Idempotency-Key": "batch"}
    first = http.post("/add", json=batch, headers=key).json()
    assert [cube["key"] for cube in first] == ["batch/0", "batch/1", "own"]
    assert http.post("/add", json=batch, headers=key).json() == first
    assert http.get("/count").json() == {"count": 4}
    both = http.post("/add", json={"content": "x", "key": "y"}, headers=key)
    problem(both, 422, "urn:mnemon:invalid-input")


def test_an_idempotency_key_is_of_one_body(http, url, problem):
    def add(key, **body):
        return http.post("/add", json=body, headers={"Idempotency-Key": key})

    first = add("one", content="once").json()
    for other in ({"content": "twice"}, {"content": "once", "speaker": "Ana"}):
        told = problem(add("one", **other), 422, "urn:mnemon:key-reused")
        assert (told["key"], told["id"]) == ("one", first["id"])
    edited = http.post(f"/update/{first['id']}", json={"content": "edited"}).json()
    assert add("one", content="once").json() == edited
    problem(add("one", content="edited"), 422, "urn:mnemon:key-reused")
    batch = add("batch", content=["a", "b"]).json()
    problem(add("batch", content=["a", "c", "d"]), 422, "urn:mnemon:key-reused")
    assert add("batch", content=["a", "b"]).json() == batch
    spans = [{"cube": first["id"], "version": 2}]
    problem(
        add("one", content={"content": "x", "spans": spans}), 422, "urn:mnemon:key-reused"
    )  # which goes another way
    document = add("document", document={"text": "# A\n\nfirst"}).json()
    changed = add("document", document={"text": "# A\n\nsecond"})
    problem(changed, 422, "urn:mnemon:key-reused")
    assert add("document", document={"text": "# A\n\nfirst"}).json() == document
    with Memory(url) as memory, pytest.raises(KeyReused) as raised:
        memory.add("third", key="one")
    assert raised.value.id == first["id"]


def test_pages_hold_still_while_others_write(http, path):
    ids = [cube["id"] for cube in add(http, [f"line {n}" for n in range(10)])]
    seen, cursor = [], None
    with Memory(path) as memory:
        while True:
            asked = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = http.get("/list", params=asked).json()
            seen += [cube["id"] for cube in page["cubes"]]
            cursor = page["next"]
            if cursor is None:
                break
            memory.update(ids[0], f"changed {len(seen)}")
            memory.forget(seen[-1])  # the cursor's own cube
            memory.add("another")
    assert seen == ids
    assert http.get("/count").json()["count"] > 3


def test_the_journal_goes_back_page_by_page(http):
    for n in range(7):
        add(http, f"line {n}")
    seen, cursor = [], None
    while cursor or not seen:
        page = http.get("/log", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen = [event["seq"] for event in page["events"]] + seen
        cursor = page["next"]
        add(http, "meanwhile")
    assert seen == list(range(seen[0], seen[0] + 7))


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0", "WzFd", "WyJ4IiwieSJd", "====", "é"])
def test_a_cursor_of_something_else_is_refused(shared, cursor, problem):
    problem(shared.get("/list", params={"cursor": cursor}), 422, "urn:mnemon:invalid-input")


def test_purge_and_forget_by_filter_give_receipts(http, path, problem):
    add(http, ["Bob's secret zebra", "Bob's other zebra"], speaker="Bob")
    add(http, "Ana stays.", speaker="Ana")
    plan = http.post("/forget", json={"speaker": "Bob", "purge": True, "dry_run": True}).json()
    done = http.post("/forget", json={"speaker": "Bob", "purge": True}).json()
    assert plan["ids"] == done["ids"] and done["cubes"] == 2 and done["purged"]
    assert b"zebra" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    nothing = http.post("/forget", json={"purge": True})
    assert "say what to forget" in problem(nothing, 422, "urn:mnemon:invalid-input")["detail"]
    assert http.get("/count").json() == {"count": 1}


def test_a_whole_memory_goes_out_and_in_as_streams(http, tmp_path):
    one, two = add(http, ["one", "two"])
    http.post("/link", json={"src": one["id"], "type": "next", "dst": two["id"]})
    lines = http.get("/export").content
    assert json.loads(lines.splitlines()[-1])["end"] == {"cube": 2, "link": 1, "tombstone": 0}
    http.post("/forget", json={"namespace": "default", "purge": True})
    again = http.post("/import", content=lines)
    assert again.json()["purged"] == 2
    notes = http.post("/import", params={"name": "notes.md"}, content=b"# Cat\n\nMiso is grey.\n")
    assert notes.json()["added"] == 1
    assert not list(tmp_path.glob("*-uploads/*"))


def test_a_download_that_nobody_wants_any_more_holds_nothing(http):
    ids = [cube["id"] for cube in add(http, ["x" * 900_000 + str(n) for n in range(8)])]
    with http.stream("GET", "/export") as answer:
        next(answer.iter_bytes())
    assert http.post("/forget", json={"ids": ids, "purge": True}).status_code == 200


WRONG = [
    ("POST", "/add", {"json": {"content": ""}}, 422, "empty-content"),
    ("POST", "/add", {"json": {}}, 422, "invalid-input"),
    ("POST", "/add", {"json": {"content": "x", "color": 1}}, 422, "invalid-input"),
    ("POST", "/add", {"json": {"content": {"contnet": "x"}}}, 422, "unknown-name"),
    ("POST", "/add", {"json": {"content": "x", "namespace": "../y"}}, 422, "invalid-namespace"),
    ("POST", "/add", {"json": {"content": "x", "at": "noon"}}, 422, "invalid-time"),
    ("POST", "/add", {"content": b'{"content": "\\ud800"}'}, 422, "invalid-text"),
    ("POST", "/add", {"content": b'{"content": "\\u0000"}'}, 422, "invalid-text"),
    ("POST", "/add", {"content": b'{"content": "x", "metadata": {"a": NaN}}'}, 422,
     "invalid-metadata"),
    ("POST", "/add", {"content": b'{"content": '}, 400, "invalid-input"),
    ("POST", "/add", {"content": b"\xff\xfe"}, 400, "invalid-input"),
    ("POST", "/add", {"content": b""}, 422, "invalid-input"),
    ("POST", "/add", {"json": {"content": "x" * 1_000_001}}, 413, "content-too-large"),
    ("POST", "/search", {"json": {"query": "x", "k": 0}}, 422, "invalid-input"),
    ("POST", "/search", {"json": {"query": 3}}, 422, "invalid-input"),
    ("GET", "/list?limit=0", {}, 422, "invalid-input"),
    ("GET", "/list?limit=100000", {}, 422, "invalid-input"),
    ("GET", "/list?metadata=x", {}, 422, "invalid-input"),
    ("GET", "/list?colour=red", {}, 422, "invalid-input"),
    ("GET", "/get/nobody", {}, 404, "not-found"),
    ("GET", "/get/a/b", {}, 404, "not-found"),
    ("POST", "/update/nobody", {"json": {"content": "x"}}, 404, "not-found"),
    ("POST", "/update/nobody", {"json": {"contents": "x"}}, 404, "not-found"),
    ("POST", "/import?format=nothing", {"content": b"x"}, 422, "unknown-name"),
    ("POST", "/import", {"content": b"\x00\x01"}, 422, "import-failed"),
    ("POST", "/import?options=%7B%22path%22%3A1%7D", {"content": b"x"}, 422, "invalid-input"),
    ("POST", "/reindex", {"json": {"embedder": "nothing"}}, 422, "unknown-name"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "call", "sent", "status", "type"), WRONG)
def test_what_is_wrong_is_a_problem_document(shared, method, call, sent, status, type, problem):
    if "content" in sent and "import" not in call:
        sent = {**sent, "headers": {"Content-Type": "application/json"}}
    problem(shared.request(method, call, **sent), status, f"urn:mnemon:{type}")


def test_a_body_that_is_not_said_to_be_json_is_told_so(shared, problem):
    for kind in ("application/x-www-form-urlencoded", "text/plain", ""):
        sent = {"content": b'{"content": "x"}', "headers": {"Content-Type": kind}}
        told = problem(shared.post("/add", **sent), 415, "urn:mnemon:invalid-input")
        assert "Content-Type: application/json" in told["detail"]


def test_a_parameter_that_nobody_knows_is_told_with_the_nearest(shared, problem):
    typed = shared.post("/search", json={"query": "x", "min_scor": 1})
    told = problem(typed, 422, "urn:mnemon:invalid-input")
    assert "min_scor: is no parameter of this call (did you mean 'min_score'?)" in told["detail"]
    told = problem(shared.get("/list?speakr=Ana"), 422, "urn:mnemon:invalid-input")
    assert "did you mean 'speaker'?" in told["detail"]


def test_calls_that_need_nothing_need_no_body(http):
    assert http.post("/reflect").json() == {"count": 0}
    assert http.post("/fsck?wait=10").json() == []
    assert http.post("/reindex").json() == {"count": 0}
    cube = add(http)
    assert http.post(f"/restore/{cube['id']}").json()["version"] == 2


def test_what_cannot_be_imported_is_told_by_its_name_and_no_place_of_the_servers(
    http, path, problem
):
    for query in ("name=diary.txt", "name=diary.txt&wait=10", "name=diary.txt&format=mnemon"):
        told = problem(http.post(f"/import?{query}", content=b"?"), 422, "urn:mnemon:import-failed")
        assert told["detail"].startswith("diary.txt is no ")
        assert str(path.parent) not in told["detail"]


def test_a_probe_may_ask_for_the_headers_alone(http, url):
    cube = add(http)
    for address in (f"{url}/healthz", f"{url}/readyz", f"{url}/", f"/get/{cube['id']}"):
        whole, head = http.get(address), http.head(address)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "content-type", "etag"):
            assert head.headers.get(name) == whole.headers.get(name)
    assert http.head("/add").status_code == 405


def test_unknown_routes_and_methods_are_problem_documents(shared, problem):
    problem(shared.get("/nothing"), 404, "about:blank")
    problem(shared.get("/../nothing"), 404, "about:blank")
    problem(shared.get("/search"), 405, "about:blank")


def test_a_fault_of_the_servers_own_tells_nothing(http, monkeypatch, caplog, problem):
    def broken(*_, **__):
        raise RuntimeError("the secret zebra")

    monkeypatch.setattr(Memory, "count", broken)
    with caplog.at_level("INFO", "mnemon.server"):
        problem(http.get("/count"), 500, "about:blank")
        while not caplog.records:
            time.sleep(0.01)
    (line,) = [json.loads(record.message) for record in caplog.records]
    assert (line["status"], line["error"], line["level"]) == (500, "RuntimeError", "error")
    assert line["trace"] and "zebra" not in json.dumps(line)


def test_the_log_has_a_line_for_each_request_and_no_content(http, caplog):
    with caplog.at_level("INFO", "mnemon.server"):
        cube = add(http, "the secret zebra", speaker="Zoe")
        http.get(f"/get/{cube['id']}")
        http.get("/list", params={"speaker": "Zoe"})
        while len(caplog.records) < 3:  # a line is written after its answer is sent
            time.sleep(0.01)
    told = "\n".join(record.message for record in caplog.records)
    lines = [json.loads(line) for line in told.splitlines()]
    assert [line["route"] for line in lines] == ["/v1/add", "/v1/get/{id:path}", "/v1/list"]
    assert all(line["status"] == 200 and line["ms"] >= 0 and line["bytes"] for line in lines)
    assert not any(word in told for word in ("zebra", "Zoe", cube["id"]))


def test_it_is_alive_and_ready(http, url):
    assert http.get(f"{url}/healthz").json() == {"status": "alive"}
    assert http.get(f"{url}/readyz").json() == {"status": "ready"}


def test_every_route_is_described_whole(http, url):
    document = http.get(f"{url}/openapi.json").json()
    calls = [call for paths in document["paths"].values() for call in paths.values()]
    assert len(calls) > 20
    for call in calls:
        good = call["responses"].get("200") or call["responses"]["204"]
        assert call["description"] and (good.get("content") != {"application/json": {"schema": {}}})
    named = {name for path in document["paths"] for name in path.split("/")}
    assert named >= {"add", "search", "recall", "get", "list", "history", "update", "restore",
                     "link", "unlink", "links", "forget", "feedback", "reflect", "log",
                     "namespaces", "export", "import", "size", "status"}  # fmt: skip


def test_tuples_are_described_as_makers_of_clients_read_them(http, url):
    told = http.get(f"{url}/openapi.json").json()["components"]["schemas"]
    progress, none = told["Job_Any_"]["properties"]["progress"]["anyOf"]
    two = {"type": "array", "minItems": 2, "maxItems": 2}
    assert progress == {**two, "items": {"type": "integer"}} and none == {"type": "null"}
    possible = told["PersonReceipt"]["properties"]["possible"]["items"]
    assert possible == {**two, "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}
    assert "prefixItems" not in http.get(f"{url}/openapi.json").text


def test_the_page_of_routes_needs_no_internet(http, url):
    page = http.get(f"{url}/docs").text
    assert "POST /v1/search" in page and "Idempotency-Key" in page and "min_score" in page
    assert "http:" not in page and "https:" not in page and "<script" not in page
    assert '<a href="#search_v1_search_post">' in page and 'id="search_v1_search_post"' in page
    assert "<code>query</code></td><td>body</td><td>string</td><td><b>needed</b>" in page
    assert "null" not in page and "`" not in page


def test_the_documents_name_every_route(shared):
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text("utf-8")
    paths = shared.get("/../openapi.json").json()["paths"]
    routes = [f"{method.upper()} {path}" for path, calls in paths.items() for method in calls]
    assert [route for route in routes if f"`{route}`" not in page] == []
