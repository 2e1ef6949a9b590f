"""Claims → namespaces: whatever an issuer says of two people, neither gets into the other's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import namespace as paths
from mnemon.errors import AccessDenied, InvalidInput
from mnemon.server.oauth import OAuth, template
from mnemon.server.oauth.rules import Rules

ISSUER = "https://login.example"
TEMPLATES = [
    ("{sub}",),
    ("people/{sub}",),
    ("{tenant}/{sub}",),
    ("acme/{tenant}/people/{sub}",),
    ("people/{sub}", "teams/{tenant}/{sub}"),
]
NASTY = st.text(st.sampled_from("ab./~%2EéE\u0301\ud800 \x00"), min_size=1, max_size=8)
VALUES = st.one_of(NASTY, st.text(min_size=1, max_size=300), st.sampled_from([".", "..", "a/b"]))


def key(templates, **claims):
    told = {"exp": datetime.now(UTC).timestamp() + 60, "scope": "mnemon:read", **claims}
    return Rules(OAuth(ISSUER, templates, public_url="https://memory.example")).key(told)


@given(st.sampled_from(TEMPLATES), *[VALUES] * 4)
def test_two_subjects_or_tenants_never_reach_the_same(templates, sub, tenant, sub2, tenant2):
    one = key(templates, sub=sub, tenant=tenant)
    other = key(templates, sub=sub2, tenant=tenant2)
    for mine in one.namespaces:
        assert paths.check(mine) == mine and mine.isascii()
        for theirs in other.namespaces:
            meet = paths.contains(mine, theirs) or paths.contains(theirs, mine)
            same_tenant = tenant == tenant2 or "tenant" not in "".join(templates)
            assert not meet or (sub == sub2 and (same_tenant or mine.startswith("people/")))
    assert (one.id == other.id) == (sub == sub2)


@given(VALUES, VALUES)
def test_different_values_are_different_segments(one, other):
    assert "/" not in template.segment(one) and len(template.segment(one)) <= 128
    assert (template.segment(one) == template.segment(other)) == (one == other)


@pytest.mark.parametrize(
    ("value", "told"),
    [("ana", "ana"), ("248289761001", "248289761001"), ("auth0|5f7c", "auth0~7C5f7c"),
     ("ana@acme.example", "ana@acme.example"), ("..", "~2E."), ("a/b", "a~2Fb"),
     ("~2E.", "~7E2E."), ("Ána", "~C3~81na")],
)  # fmt: skip
def test_what_is_usual_stays_readable(value, told):
    assert template.segment(value) == told


@pytest.mark.parametrize(
    "text", ["", "people/{sub", "people/x{sub}", "{sub}{tenant}", "people/{}", "a//{sub}",
             "../{sub}", "people/{a b}", "{{sub}}", "*/{sub}", "/{sub}", "people/{sub}/"],
)  # fmt: skip
def test_a_template_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput):
        template.parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("people/{sub}", "{tenant}/shared"), ("{sub}", "team"), ("{a}/{b}", "{b}/{a}"),
     ("team", "team/{sub}"), ("acme/{sub}", "acme/shared"), ("{sub}", "{sub}"),
     ("caf\u00e9/{sub}", "cafe\u0301/x")],
)  # fmt: skip
def test_templates_that_could_meet_are_refused(one, other):
    with pytest.raises(InvalidInput, match="can meet"):
        OAuth(ISSUER, (one, other), public_url="https://memory.example").check()


@pytest.mark.parametrize("value", [None, "", 7, True, ["ana"], {"a": "b"}])
def test_a_claim_that_is_no_text_gives_nothing(value):
    with pytest.raises(AccessDenied, match="'tenant'"):
        key(("{tenant}/{sub}",), sub="ana", tenant=value)


def test_a_namespace_that_would_be_too_long_is_refused():
    templates = ("/".join(f"{{c{i}}}" for i in range(6)),)
    with pytest.raises(AccessDenied, match="512"):
        key(templates, sub="ana", **{f"c{i}": "x" * 120 for i in range(6)})
