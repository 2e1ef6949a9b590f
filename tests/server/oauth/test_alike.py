"""A token is to a server what a key with its namespaces and verbs is, call by call, over a file and
over a database."""

from __future__ import annotations

import httpx2
import pytest

from mnemon.server.audit.file import beside as audited
from mnemon.server.homes import opening as homes
from mnemon.server.keys import beside
from mnemon.server.oauth import OAuth
from mnemon.server.settings import Settings

CALLS = [
    ("POST", "/v1/add", {"content": "A heron stood in the reeds."}),
    ("POST", "/v1/add", {"content": "x", "namespace": "people/ben"}),
    ("POST", "/v1/add", {"content": 7}),
    ("POST", "/v1/search", {"query": "heron"}),
    ("POST", "/v1/search", {"query": "heron", "namespace": "people"}),
    ("POST", "/v1/recall", {"query": "heron"}),
    ("GET", "/v1/list", None),
    ("GET", "/v1/count?namespace=people/ana/work", None),
    ("GET", "/v1/count?namespace=people/ana2", None),
    ("GET", "/v1/log", None),
    ("GET", "/v1/namespaces", None),
    ("GET", "/v1/export?namespace=people/ana", None),
    ("GET", "/v1/export", None),
    ("GET", "/v1/jobs", None),
    ("GET", "/v1/size", None),
    ("POST", "/v1/fsck", {}),
    ("POST", "/v1/reflect", {}),
    ("POST", "/v1/forget", {"speaker": "Zoe"}),
    ("GET", "/metrics", None),
    ("GET", "/v1/nothing", None),
]


@pytest.mark.parametrize("verbs", ["read", "write", "read write forget", "admin"])
def test_calls_are_answered_alike(opened, issuer, path, verbs):
    key, _ = beside(path).add("ana", ["people/ana"], verbs.split())
    url = opened()
    token = issuer.token("ana", " ".join(f"mnemon:{one}" for one in verbs.split()))
    for method, call, body in CALLS:
        answers = [
            httpx2.request(
                method, f"{url}{call}", json=body, verify=False, timeout=30,
                headers={"Authorization": f"Bearer {told}"},
            )
            for told in (key, token)
        ]  # fmt: skip
        kinds = [(one.status_code, one.headers["content-type"]) for one in answers]
        assert kinds[0] == kinds[1], call
        if kinds[0][0] >= 400:
            assert answers[0].json()["type"] == answers[1].json()["type"], call
    entries = [(one.verb, one.outcome, one.status) for _, one in audited(path).entries()]
    assert entries[::2] == entries[1::2] and entries


def test_over_a_database_too(server_running, issuer, database, ask, problem):
    oauth = OAuth(issuer.url, ("people/{sub}",), public_url="https://memory.example", rate="5/h")
    address, token = database(), issuer.token("ana")
    settings = Settings(address, port=0, oauth=oauth)
    with server_running(settings) as one, server_running(settings) as other:
        assert ask(one, "/v1/add", token, content="Ana moved to Lisbon.").status_code == 200
        assert "Lisbon" in ask(other, "/v1/search", token, query="Lisbon").text
        with httpx2.Client(headers={"Origin": one}, follow_redirects=True, verify=False) as browser:
            assert "Lisbon" in browser.post(f"{one}/login", data={"key": token}).text
            browser.headers["Origin"] = other
            assert "Lisbon" in browser.get(f"{other}/timeline").text
        while ask(other, "/v1/count", token).status_code == 200:
            pass
        problem(ask(one, "/v1/count", token), 429, "urn:mnemon:rate-limited")
        actor = ask(one, "/v1/count", issuer.token("ben")).headers["ratelimit"]
        assert actor.startswith('"key";r=4;')
    with homes.opened(address) as home:
        assert {one.who[:6] for _, one in home.log.entries()} == {"oauth-"}
