"""Rates of namespaces: all keys of a tenant together, whichever asks."""

from __future__ import annotations

import json

import httpx2
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.errors import RateLimited
from mnemon.server.keys import beside
from mnemon.server.rates import Bucket, Declared, Rate
from mnemon.server.rates.process import RatesInProcess
from mnemon.server.settings import Settings
from mnemon.store import open_store

from .conftest import running


@pytest.fixture
def rate(path):
    """Gives a namespace of the store a rate."""

    def call(namespace, rate):
        store = open_store(str(path))
        store.set_quota(namespace, None, None, rate)
        store.close()

    return call


@pytest.fixture
def ask(path, serve):
    """Asks a server as somebody who has a key, made when it is first named."""
    tokens, url = {}, serve()

    def call(name, *namespaces, rate=None, method="GET", route="/v1/count", **more):
        if name not in tokens:
            tokens[name], _ = beside(path).add(name, namespaces or None, rate=rate)
        headers = {"Authorization": f"Bearer {tokens[name]}"}
        return httpx2.request(method, url + route, headers=headers, timeout=30, **more)

    return call


def add(ask, name, namespace):
    given = {"content": "x", "namespace": namespace}
    return ask(name, method="POST", route="/v1/add", json=given)


def test_all_keys_of_a_tenant_share_its_rate(rate, ask, problem):
    rate("acme", "3/h")
    told = [ask(f"key{n}", f"acme/{n}") for n in range(5)]
    assert [one.status_code for one in told] == [200] * 3 + [429] * 2
    assert [one.headers["ratelimit"][:20] for one in told] == [
        f'"namespace:acme";r={left}' for left in (2, 1, 0, 0, 0)
    ]
    assert told[0].headers["ratelimit-policy"] == '"namespace:acme";q=3;w=3600'
    refused = problem(told[3], 429, "urn:mnemon:rate-limited")
    assert refused[
        "namespace"
    ] == "acme" and "in namespace 'acme' all keys together may ask 3/h" in str(refused)
    assert 1100 < refused["retry_after"] <= 1200 >= int(told[3].headers["retry-after"]) >= 1100
    beside_it = [ask("ben", "acme-too"), ask("cid", "globex")]
    assert [(one.status_code, one.headers.get("ratelimit")) for one in beside_it] == [
        (200, None)
    ] * 2


def test_a_keys_own_rate_counts_too_and_a_refused_request_costs_neither(rate, ask, problem):
    rate("acme", "3/h")
    ana = [ask("ana", "acme/ana", rate="2/h") for _ in range(3)]
    assert [one.status_code for one in ana] == [200, 200, 429]
    assert problem(ana[2], 429, "urn:mnemon:rate-limited")["namespace"] is None
    assert ana[0].headers["ratelimit"].startswith('"key";r=1;t=1800, "namespace:acme";r=2;t=1')
    assert ana[0].headers["ratelimit-policy"] == '"key";q=2;w=3600, "namespace:acme";q=3;w=3600'
    ben = [ask("ben", "acme/ben", rate="9/h") for _ in range(4)]
    assert [one.status_code for one in ben] == [200, 429, 429, 429]  # ana's third took nothing
    assert [one.headers["ratelimit"][:9] for one in ben] == ['"key";r=8'] * 4


def test_namespaces_in_each_other_both_count(rate, ask):
    rate("acme", "4/h")
    rate("acme/ana", "2/h")
    told = [ask("ana", "acme/ana") for _ in range(3)]
    assert [one.status_code for one in told] == [200, 200, 429]
    assert told[2].json()["namespace"] == "acme/ana"
    assert [ask("acme", "acme").status_code for _ in range(3)] == [200, 200, 429]


def test_who_reaches_everything_counts_where_it_works(rate, ask):
    rate("acme", "2/h")
    assert [ask("owner", rate="20/h").status_code for _ in range(3)] == [200] * 3
    told = [add(ask, "owner", f"acme/{n}") for n in range(4)]
    assert [one.status_code for one in told] == [200, 200, 429, 429]
    assert told[2].json()["namespace"] == "acme"
    last = add(ask, "owner", "globex")
    assert last.status_code == 200 and last.headers["ratelimit"][:10] == '"key";r=14'
    both = [
        ask("both", "acme/b", "globex", route=f"/v1/count?namespace={n}")
        for n in ("globex", "acme/b")
    ]
    assert [one.status_code for one in both] == [200, 429]


def test_nobody_takes_from_a_namespace_that_he_does_not_reach(rate, ask):
    rate("acme", "1/h")
    for route in ("/v1/count?namespace=acme", "/v1/count?namespace=acme/ana"):
        assert [ask("mallory", "globex", route=route).status_code for _ in range(2)] == [403] * 2
    assert ask("ana", "acme/ana").status_code == 200


CALLS = {
    "add": ("POST", "/v1/add", {"json": {"content": "x"}}),
    "several": ("POST", "/v1/add", {"json": {"content": ["x", "y"]}}),
    "search": ("POST", "/v1/search", {"json": {"query": "x"}}),
    "recall": ("POST", "/v1/recall", {"json": {"query": "x"}}),
    "list": ("GET", "/v1/list", {}),
    "reflect": ("POST", "/v1/reflect", {"json": {}}),
    "export": ("GET", "/v1/export", {}),
    "import": ("POST", "/v1/import?name=a.md", {"content": b"# A\n\nfirst\n"}),
    "jobs": ("GET", "/v1/jobs", {}),
    "status": ("GET", "/v1/status", {}),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_counts_once(rate, ask, call):
    rate("acme", "2/h")
    method, route, more = CALLS[call]
    told = [ask("ana", "acme", method=method, route=route, **more) for _ in range(3)]
    assert [one.status_code for one in told] == [200, 200, 429]
    assert told[0].headers["ratelimit"].startswith('"namespace:acme";r=1')


def test_without_keys_a_namespace_has_its_rate_as_well(rate, serve):
    rate("acme", "2/h")
    with Memory(serve(), namespace="acme/ana") as memory:
        memory.add("x")
        assert memory.count() == 1
        with pytest.raises(RateLimited) as told:
            memory.search("x")
        assert told.value.namespace == "acme" and 1700 < told.value.retry_after <= 1800
        assert memory.count(namespace="globex") == 0


def test_the_page_counts_and_says_so(rate, path, serve):
    rate("acme", "3/h")
    token, _ = beside(path).add("ana", ["acme"])
    url = serve()
    with httpx2.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as browser:
        assert browser.post("/login", data={"key": token}).status_code == 200
        told = [browser.get("/") for _ in range(3)]
    assert [one.status_code for one in told] == [200, 200, 429]
    assert "all keys together" in told[2].text


def test_a_client_waits_for_its_tenants_turn(rate, path, serve):
    rate("acme", "10/s")
    token, _ = beside(path).add("ana", ["acme"])
    with Memory(serve(), api_key=token, namespace="acme") as memory:
        for n in range(13):
            memory.add(f"number {n}")
        assert memory.count() == 13


def test_metrics_tell_keys_from_namespaces_and_name_none(rate, ask):
    rate("acme", "2/h")
    for _ in range(3):
        ask("ana", "acme/ana", rate="1/h")
    for _ in range(4):
        ask("ben", "acme/ben")
    text = ask("watcher", route="/metrics").text
    counted = {
        one.labels["rate"]: one.value
        for family in text_string_to_metric_families(text) for one in family.samples
        if one.name == "mnemon_rate_limited_total"
    }  # fmt: skip
    assert counted == {"key": 2, "namespace": 3} and "acme" not in text


def test_status_tells_what_a_caller_counts_for(rate, ask):
    rate("acme", "9/h")
    rate("acme/ana", "8/h")
    rate("globex", "7/h")
    told = ask("ana", "acme/ana", rate="5/s", route="/v1/status").json()
    assert (told["rate"], told["namespace_rates"]) == ("5/s", {"acme": "9/h", "acme/ana": "8/h"})
    assert ask("owner", route="/v1/status").json()["namespace_rates"] == {}


def test_any_letters_may_be_in_a_namespace(rate, ask):
    rate("größe/東京", "1/h")
    told = [ask("ana", "größe/東京/ana") for _ in range(2)]
    assert [one.status_code for one in told] == [200, 429]
    assert told[0].headers["ratelimit-policy"].startswith('"namespace:gr%C3%B6%C3%9Fe/%E6%9D%B1')
    assert told[1].json()["namespace"] == "größe/東京"


def test_what_is_set_and_lifted_is_seen_a_second_later(path):
    store, now = open_store(str(path)), [0.0]
    declared = Declared(store, lambda: now[0])
    assert declared.over("acme") == []
    store.set_quota("acme", None, None, "5/s")
    store.set_quota("ac", None, None, "6/s")
    now[0] = 0.9
    assert declared.over("acme") == []
    now[0] = 1.0
    bucket = Bucket(Rate(5, 1), namespace="acme")
    assert declared.over("acme") == declared.over("acme/ana") == [bucket]
    assert declared.over("acme/ana", "acme/ben") == [bucket]
    assert declared.over("acme/ana", "globex") == declared.over("acme-x") == declared.over() == []
    store.remove_quota("acme")
    now[0] = 2.0
    assert declared.over("acme") == []
    store.close()


def test_the_command_sets_lists_and_lifts_it(path):
    def run(*args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", str(path), *args])
        assert done.exit_code == expect, done.output
        return done.output

    Memory(path).close()
    assert "acme: 5 cubes, any bytes, 500/s requests" in run(
        "quota", "set", "acme", "--rate", "500/s", "--cubes", "5"
    )
    assert "500/s  acme" in run("quota", "list")
    run("quota", "set", "globex", "--rate", "6000/m")
    shown = json.loads(run("quota", "list", "--json"))
    assert [(one["namespace"], one["cubes"], one["rate"]) for one in shown] == [
        ("acme", 5, "500/s"), ("globex", None, "6000/m"),
    ]  # fmt: skip
    run("quota", "set", "acme", "--cubes", "5")
    assert [one["rate"] for one in json.loads(run("quota", "list", "--json"))] == [None, "6000/m"]
    assert "no rate" in run("quota", "set", "acme", "--rate", "5/w", expect=2)
    assert '"rate": "500/s"' in run("audit", "show", "--json").replace('":"', '": "')


def test_servers_over_a_file_count_each_for_itself(rate, path, serve):
    rate("acme", "1/h")
    token, _ = beside(path).add("ana", ["acme"])
    with running(Settings(path, port=0)) as other:
        headers = {"Authorization": f"Bearer {token}"}
        told = [httpx2.get(f"{url}/v1/count", headers=headers) for url in (serve(), other) * 2]
    assert [one.status_code for one in told] == [200, 200, 429, 429]


@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([1, 60])), min_size=1, max_size=4),
    st.lists(st.tuples(st.floats(0, 9), st.sets(st.integers(0, 3), min_size=1)), max_size=150),
)
def test_no_bucket_lets_in_more_than_its_rate_says(rates, asked):
    now = [0.0]
    buckets = [Bucket(Rate(*rate), namespace=f"n{n}") for n, rate in enumerate(rates)]
    every, let_in = RatesInProcess(lambda: now[0]), dict.fromkeys(buckets, 0)
    for gap, chosen in asked:
        now[0] += gap
        mine = [bucket for n, bucket in enumerate(buckets) if n in chosen]
        standings, error = every.take(mine)
        for bucket in mine:
            let_in[bucket] += error is None
            rate = bucket.rate
            assert let_in[bucket] <= rate.most + now[0] * rate.most / rate.seconds + 1e-6
            assert 0 <= standings[bucket].left <= rate.most
        if error is not None:
            (empty,) = [bucket for bucket in mine if bucket.namespace == error.namespace]
            assert let_in[empty] >= empty.rate.most  # what is refused takes nothing
            now[0] += error.retry_after + 1e-6
            assert every.take(mine)[1] is None  # as it was told
            for bucket in mine:
                let_in[bucket] += 1
