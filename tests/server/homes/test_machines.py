"""Two machines that serve one database: real processes, each with a data folder of its own."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from mnemon import Memory
from mnemon.server.audit.verifying import verify
from mnemon.server.homes.opening import opened


@pytest.fixture(scope="module")
def owner(served, machines):
    """A key for everything, made on the first machine; before it both servers asked for none."""
    for address in served:
        assert httpx2.get(f"{address}/v1/status").status_code == 200
    token = made(machines[0], "owner", "--everywhere")
    for address in served:
        assert httpx2.get(f"{address}/v1/status").status_code == 401
    return token


def made(machine, name, *options):
    """The token of a new key."""
    return machine.run("key", "add", name, *options).split()[-1]


@pytest.fixture
def ask(served, owner):
    """Asks one of the servers, 0 or 1."""

    def ask(server, method, path, token=owner, headers=None, **more):
        told = {"Authorization": f"Bearer {token}", **(headers or {})}
        return httpx2.request(
            method, f"{served[server]}{path}", headers=told, timeout=60, verify=False, **more
        )

    return ask


def test_a_key_opens_every_machine_until_it_is_revoked_on_one(ask, machines):
    token = made(machines[1], "ana", "--in", "acme/ana", "--may", "read")
    assert [ask(n, "GET", "/v1/status", token).json()["actor"] for n in (0, 1)] == ["ana", "ana"]
    assert ask(0, "POST", "/v1/add", token, json={"content": "x"}).status_code == 403
    (id,) = [
        one["id"]
        for one in json.loads(machines[0].run("key", "list", "--json"))
        if one["name"] == "ana"
    ]
    machines[0].run("key", "revoke", id)
    assert [ask(n, "GET", "/v1/status", token).status_code for n in (0, 1)] == [401, 401]


def test_both_append_to_one_audit_log(ask, machines):
    def add(number):
        added = {"content": f"number {number}", "namespace": "log"}
        told = ask(number % 2, "POST", "/v1/add", json=added)
        assert told.status_code == 200, told.text
        return told.json()["id"]

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(add, range(24)))
    receipt = ask(1, "POST", "/v1/forget", json={"ids": ids[:1], "namespace": "log", "purge": True})
    file = machines[0].folder.with_name("receipt.json")
    file.write_text(receipt.text)
    told = machines[0].run("audit", "verify", "--receipt", str(file))
    file.unlink()
    assert "no problem" in told and "receipt: entry" in told
    shown = json.loads(machines[1].run("audit", "show", "--json", "--limit", "1000"))
    assert {id for one in shown if one["verb"] == "add" for id in one["ids"]} >= set(ids)
    assert [one["seq"] for one in shown] == list(range(1, len(shown) + 1))


def test_an_idempotency_key_answers_the_same_everywhere(ask):
    added = {"content": "once", "namespace": "acme"}
    told = [ask(n, "POST", "/v1/add", headers={"Idempotency-Key": "k"}, json=added) for n in (0, 1)]
    assert told[0].json() == told[1].json() and told[0].status_code == 200
    several = {"content": ["a", "b"], "namespace": "acme"}
    told = [
        ask(n, "POST", "/v1/add", headers={"Idempotency-Key": "m"}, json=several) for n in (1, 0)
    ]
    assert told[0].json() == told[1].json()
    assert ask(0, "GET", "/v1/count?namespace=acme").json()["count"] == 3


def test_a_job_is_asked_for_at_one_and_done_once_by_another(ask):
    told = [
        ask(n, "POST", "/v1/reflect?wait=0", headers={"Idempotency-Key": "j"}, json={})
        for n in (0, 0, 1)
    ]
    (place,) = {one.headers["location"] for one in told}
    done = ask(0, "GET", f"{place}?wait=30").json()
    assert (done["state"], done["attempts"]) == ("done", 1)


def test_a_file_that_one_took_in_is_read_by_the_one_that_works(ask):
    told = ask(
        0, "POST", "/v1/import?name=cat.md&namespace=files&wait=30", content=b"# Cat\n\nMiso.\n"
    )
    assert told.json()["added"] == 1
    assert ask(1, "GET", "/v1/count?namespace=files").json()["count"] == 1


def test_a_rate_counts_what_all_are_asked(ask, machines):
    token = made(machines[0], "hasty", "--in", "acme", "--rate", "5/h")
    told = [ask(n % 2, "GET", "/v1/status", token) for n in range(7)]
    assert [one.status_code for one in told] == [200] * 5 + [429] * 2
    assert [one.headers["ratelimit"][:9] for one in told[:3]] == [
        '"key";r=4',
        '"key";r=3',
        '"key";r=2',
    ]
    assert 600 < told[5].json()["retry_after"] <= 720


def test_a_tenants_rate_counts_what_all_its_keys_ask_of_all_machines(ask, machines):
    tokens = [made(machines[n % 2], f"many{n}", "--in", f"many/{n}") for n in range(3)]
    machines[0].run("quota", "set", "many", "--rate", "5/h")
    time.sleep(1.1)  # each looks at most once a second
    told = [ask(n % 2, "GET", "/v1/count", tokens[n % 3]) for n in range(4)]
    added = {"content": "by another key", "namespace": "many/0"}
    told += [ask(n, "POST", "/v1/add", json=added) for n in (1, 0)]
    assert [one.status_code for one in told] == [200] * 5 + [429]
    assert [one.headers["ratelimit"][:20] for one in told[:5]] == [
        f'"namespace:many";r={left}' for left in (4, 3, 2, 1, 0)
    ]
    assert told[5].json()["namespace"] == "many" and 600 < told[5].json()["retry_after"] <= 720
    machines[1].run("quota", "remove", "many")
    time.sleep(1.1)
    assert [ask(n, "GET", "/v1/count", tokens[0]).status_code for n in (0, 1)] == [200, 200]


def test_a_quota_counts_what_all_have_added(ask, machines):
    machines[1].run("quota", "set", "full", "--cubes", "3")
    told = [
        ask(n % 2, "POST", "/v1/add", json={"content": f"{n}", "namespace": "full"})
        for n in range(4)
    ]
    assert [one.status_code for one in told] == [200, 200, 200, 403]


def test_a_browser_may_be_sent_to_any_of_them(served, owner):
    def page(server):
        origin = served[server]
        return httpx2.Client(
            base_url=origin, headers={"Origin": origin}, follow_redirects=True, verify=False,
            timeout=60,
        )  # fmt: skip

    with page(0) as one, page(1) as two:
        assert two.get("/").url.path == "/login"
        assert one.post("/login", data={"key": owner}).status_code == 200
        two.cookies.update(dict(one.cookies))
        home = "?namespace=page"
        shown = one.post(f"/add{home}", data={"content": "Miso is grey."})
        cube = re.search(r"/cubes/([\w-]{36})", str(shown.url))[1]
        form = two.get(f"/cubes/{cube}/edit{home}").text
        version = re.search(r'name="version" value="(\d+)"', form)[1]
        two.post(f"/cubes/{cube}/edit{home}", data={"version": version, "content": "Miso is old."})
        assert "is old." in one.get(f"/cubes/{cube}{home}").text
        one.post(f"/cubes/{cube}/forget{home}")
        assert "Miso" not in two.get("/", params={"namespace": "page", "q": "Miso"}).text.partition(
            "<main"
        )[2].replace('value="Miso"', "")
        two.post(f"/cubes/{cube}/restore{home}")
        with Memory(served[0], api_key=owner, namespace="page") as memory:
            assert memory.get(cube).content == "Miso is old."
        two.post("/logout")
        assert one.get("/").url.path == "/login"


def test_nothing_of_it_lies_on_a_machine(ask, machines):
    assert ask(0, "GET", "/readyz").status_code == 200
    found = [file for one in machines for file in one.folder.rglob("*") if file.is_file()]
    assert found == []


def test_a_server_that_is_killed_leaves_a_whole_log_with_all_it_acknowledged(
    ask, machines, served, url
):
    token = made(machines[0], "many", "--in", "killed")
    doomed = machines[0].serves()
    place = re.search(r"http://\S+:\d+", doomed.stderr.readline())[0]
    done, over = [], threading.Event()

    def add(address):
        headers = {"Authorization": f"Bearer {token}"}
        with httpx2.Client(base_url=address, headers=headers, timeout=60, verify=False) as http:
            while not over.is_set():
                try:
                    told = http.post("/v1/add", json={"content": "Miso is grey."})
                except httpx2.TransportError:
                    return  # it was killed
                done.append((address, told.json()["id"]))

    threads = [threading.Thread(target=add, args=(one,)) for one in (place, served[1]) * 2]
    for thread in threads:
        thread.start()
    while len({address for address, _ in done}) < 2 or len(done) < 20:
        time.sleep(0.01)
    doomed.kill()
    doomed.communicate()
    before = len(done)
    while len(done) < before + 10:  # the other one goes on
        time.sleep(0.01)
    over.set()
    for thread in threads:
        thread.join()
    ids = {id for _, id in done}
    with opened(url) as home:
        assert verify(home.log).problems == []
        assert ids <= {id for _, entry in home.log.entries() for id in entry.ids}
    with Memory(url, namespace="killed") as memory:
        assert ids <= {cube.id for cube in memory.list(limit=10_000)}
