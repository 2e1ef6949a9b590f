"""`/mcp/<namespace>` with tokens: people who sign in at the address of their team, and those who
are not in it."""

from __future__ import annotations

import httpx2
import pytest
from mcp.shared.auth import ProtectedResourceMetadata
from mcp.shared.exceptions import MCPError
from tests.server.mcp.test_team import agent, posted, tool

from mnemon import Memory
from mnemon.server.audit.file import beside as audited

from .test_mcp import METADATA, SigningIn, reached, signing_in  # noqa: F401

TEMPLATES = ("people/{sub}", "teams/{groups}")
EVERY = "mnemon:read mnemon:write mnemon:forget"
MEMORY = "https://memory.example"


def sent(token):
    return {"Authorization": f"Bearer {token}"}


def test_somebody_signs_in_at_the_address_of_a_team_and_works_there(reached, issuer, path):  # noqa: F811
    issuer.claims = {"groups": ["ops", "eng"]}
    url, person = f"{reached(namespaces=TEMPLATES)}/mcp/teams/eng", SigningIn()
    with signing_in(url, person) as wire:
        wire.ask("add_memory", content="Our server is called Heron.")
        assert "Heron" in str(wire.ask("recall", query="What is our server called?"))
    (asked,) = person.asked
    assert asked["resource"] == [url]
    with Memory(path) as memory:
        assert memory.count() == memory.count(namespace="people") == 0
        assert memory.count(namespace="teams/eng") == 1


def test_somebody_who_is_not_in_it_signs_in_and_is_refused(reached, issuer, path):  # noqa: F811
    server = reached(namespaces=TEMPLATES)
    for claims in ({}, {"groups": []}, {"groups": ["eng2", "eng/x"]}, {"groups": "ops"}):
        issuer.claims, person, got_in = claims, SigningIn(), False
        with pytest.raises(ExceptionGroup) as raised, signing_in(f"{server}/mcp/teams/eng", person):
            got_in = True
        assert not got_in and len(person.asked) == 1
        assert raised.group_contains(MCPError)
    found = {(one.who[:6], one.verb, one.outcome, one.status) for _, one in audited(path).entries()}
    assert ("oauth-", "mcp", "denied", 403) in found
    assert {outcome for _, _, outcome, _ in found} == {"denied"}


def test_a_team_shares_its_memories_and_nobody_his_own(opened, issuer):
    url = opened(namespaces=TEMPLATES)
    ana, ben, cy = (
        issuer.token(name, EVERY, groups=groups)
        for name, groups in (("ana", ["eng"]), ("ben", ["eng", "ops"]), ("cy", ["ops"]))
    )
    with agent(url, ana, at="/mcp/teams/eng") as team, agent(url, ana, at="/mcp/people/ana") as own:
        team.ask("add_memory", content="Our server is called Heron.")
        own.ask("add_memory", content="My locker's code is 1234.")
    with agent(url, ben, at="/mcp/teams/eng") as team:
        assert "Heron" in str(team.ask("recall", query="What is our server called?"))
        assert "1234" not in str(team.ask("recall", query="locker's code"))
        team.ask("add_memory", content="Heron is restarted on Mondays.")
    with agent(url, ana, at="/mcp/teams/eng") as team:
        assert "Mondays" in str(team.ask("recall", query="When is it restarted?"))
    for token, name in ((ben, "people/ana"), (cy, "teams/eng"), (ana, "teams/ops"), (ana, "teams")):
        answer = posted(url, tool("recall", query="code"), f"/mcp/{name}", **sent(token))
        assert answer.status_code == 403 and "1234" not in answer.text


@pytest.mark.parametrize(
    "at", ["/mcp/teams/eng", "/mcp/acme/ana%20%C3%A9", "/mcp/acme/ana%20%c3%a9", "/mcp/teams%2Feng",
           "/mcp/a@b:c", "/mcp/"],
)  # fmt: skip
def test_metadata_are_those_of_the_address_to_the_letter(opened, issuer, ask, at):
    url = opened()
    told = ask(url, METADATA + at, None)
    found = ProtectedResourceMetadata.model_validate_json(told.content)
    assert told.json()["resource"] == str(found.resource) == MEMORY + at
    assert [str(one) for one in found.authorization_servers] == [issuer.url]
    challenge = posted(url, tool("memory_status"), at).headers["www-authenticate"]
    assert f'resource_metadata="{MEMORY}{METADATA}{at}"' in challenge
    message = tool("add_memory", content="x")
    token = issuer.token("ana", "mnemon:read")
    answer = posted(url, message, "/mcp/people/ana", **sent(token))
    assert answer.status_code == 403
    assert f'{METADATA}/mcp/people/ana"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("named", ["%2E%2E/x", "a//b", "a/", "*", "%22", 'a"b', "%00", "x" * 600])
def test_what_is_no_namespace_has_no_metadata(opened, ask, problem, named):
    url = opened()
    problem(ask(url, f"{METADATA}/mcp/{named}", None), 404, "about:blank")
    challenge = posted(url, tool("memory_status"), f"/mcp/{named}").headers["www-authenticate"]
    assert f'resource_metadata="{MEMORY}{METADATA}/mcp", ' in challenge


def test_a_token_for_one_address_is_for_the_server_and_reaches_what_its_claims_say(
    opened, issuer, ask, problem
):
    url = opened(namespaces=TEMPLATES)
    for where in ("/mcp/teams/eng", "/mcp/teams/other", "/mcp/people/ben", "/mcp", "/mcp/", ""):
        token = issuer.token("ana", EVERY, groups=["eng"], aud=f"{MEMORY}{where}")
        for at in ("/mcp/teams/eng", "/mcp/people/ana"):
            assert posted(url, tool("memory_status"), at, **sent(token)).status_code == 200
        for at in ("/mcp/teams/other", "/mcp/people/ben"):
            answer = posted(url, tool("memory_status"), at, **sent(token))
            problem(answer, 403, "urn:mnemon:access-denied")
        assert ask(url, "/v1/list?namespace=teams/eng", token).status_code == 200


def test_an_audience_that_is_told_is_the_only_one(opened, issuer, problem):
    url = opened(audience=f"{MEMORY}/mcp", public_url=None)
    for where, status in (("/mcp", 200), ("/mcp/people/ana", 401), ("", 401)):
        token = issuer.token("ana", aud=f"{MEMORY}{where}")
        answer = posted(url, tool("memory_status"), "/mcp/people/ana", **sent(token))
        assert answer.status_code == status


def test_who_reaches_several_is_asked_which(opened, issuer, ask, problem):
    url = opened(namespaces=TEMPLATES)
    token = issuer.token("ana", EVERY, groups=["eng", "R & D"])
    told = problem(ask(url, "/v1/add", token, content="x"), 422, "urn:mnemon:invalid-input")
    assert "people/ana, teams/eng, teams/R~20~26~20D" in told["detail"]
    status = ask(url, "/v1/status", token).json()
    assert status["namespaces"] == ["people/ana", "teams/eng", "teams/R~20~26~20D"]
    answer = posted(url, tool("memory_status"), **sent(token))
    assert "/mcp/people/ana" in problem(answer, 422, "urn:mnemon:invalid-input")["detail"]
    at = "/mcp/teams/R~20~26~20D"
    assert posted(url, tool("memory_status"), at, **sent(token)).status_code == 200


def test_too_many_groups_are_refused_and_told(opened, issuer, ask, problem):
    url = opened(namespaces=TEMPLATES)
    token = issuer.token("ana", groups=[f"g{n}" for n in range(65)])
    told = problem(ask(url, "/v1/list", token), 403, "urn:mnemon:access-denied")
    assert "over 64" in told["detail"] and "'groups'" in told["detail"]
    every = issuer.token("ana", groups=[f"g{n}" for n in range(64)])
    assert len(ask(url, "/v1/status", every).json()["namespaces"]) == 65


def test_the_page_shows_each_of_them_to_who_signs_in(opened, issuer, ask):
    url = opened(namespaces=TEMPLATES)
    token = issuer.token("ana", EVERY, groups=["eng", "ops"])
    for name in ("people/ana", "teams/ops"):
        body = {"content": f"This is of {name}.", "namespace": name}
        assert ask(url, "/v1/add", token, **body).status_code == 200
    with httpx2.Client(
        base_url=url, headers={"Origin": url}, follow_redirects=True, verify=False, timeout=60
    ) as page:
        assert page.post("/login", data={"key": token}).status_code == 200
        assert "This is of people/ana." in page.get("/timeline").text
        shown = page.get("/timeline", params={"namespace": "teams/ops"}).text
        assert "This is of teams/ops." in shown and "This is of people/ana." not in shown
        assert page.get("/timeline", params={"namespace": "teams/sales"}).status_code == 403
