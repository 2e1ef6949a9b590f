"""Claims → namespaces: whatever an issuer says of two people, neither gets into the other's."""

from __future__ import annotations

import math
import re
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
    ("teams/{tenant}",),
    ("people/{sub}", "teams/{tenant}"),
    ("teams/{tenant}/{tenant}", "all"),
]
NASTY = st.text(st.sampled_from("ab./~%2EéE\u0301\ud800 \x00"), min_size=1, max_size=8)
VALUES = st.one_of(NASTY, st.text(min_size=1, max_size=300), st.sampled_from([".", "..", "a/b"]))
NO_TEXT = st.sampled_from(["", 7, None, True, ["eng"], {"eng": "eng"}])
GROUPS = st.lists(st.one_of(VALUES, NO_TEXT, st.sampled_from(["eng", "ops", "a/b"])), max_size=5)
CLAIMS = st.one_of(VALUES, NO_TEXT, GROUPS)


def key(templates, **claims):
    told = {"exp": datetime.now(UTC).timestamp() + 60, "scope": "mnemon:read", **claims}
    return Rules(OAuth(ISSUER, templates, public_url="https://memory.example")).key(told)


def reached(templates, claims):
    try:
        return key(templates, **claims).namespaces
    except AccessDenied:
        return ()


def in_common(text, *tokens):
    """How many namespaces of a template are meant for each of some tokens."""

    def held(value):
        every = value if isinstance(value, list) else [value]
        return {one for one in every if isinstance(one, str) and one}

    names = set(re.findall(r"\{(.*?)\}", text))
    return math.prod(
        len(set.intersection(*(held(claims[name]) for claims in tokens))) for name in names
    )


@given(st.sampled_from(TEMPLATES), VALUES, CLAIMS, VALUES, CLAIMS)
def test_two_tokens_meet_only_in_what_both_their_claims_say(templates, sub, tenant, sub2, tenant2):
    one, other = {"sub": sub, "tenant": tenant}, {"sub": sub2, "tenant": tenant2}
    mine, theirs = reached(templates, one), reached(templates, other)
    assert all(paths.check(path) == path and path.isascii() for path in mine)
    assert len(set(mine)) == len(mine) == sum(in_common(text, one) for text in templates)
    meet = [
        (a, b) for a in mine for b in theirs if paths.contains(a, b) or paths.contains(b, a)
    ]  # fmt: skip
    assert all(a == b for a, b in meet)
    assert len(meet) == sum(in_common(text, one, other) for text in templates)


@given(VALUES, VALUES)
def test_who_acts_is_told_by_the_subject(sub, sub2):
    one, other = (key(("all",), sub=name) for name in (sub, sub2))
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
     ("caf\u00e9/{sub}", "cafe\u0301/x"), ("teams/{groups}", "teams/{sub}"),
     ("teams/{groups}", "teams/eng"), ("teams/{groups}", "teams/{groups}/x")],
)  # fmt: skip
def test_templates_that_could_meet_are_refused(one, other):
    with pytest.raises(InvalidInput, match="can meet"):
        OAuth(ISSUER, (one, other), public_url="https://memory.example").check()


@pytest.mark.parametrize("value", [None, "", 7, True, {"a": "b"}, [], [""], [7, None, ["eng"]]])
def test_a_claim_that_is_no_text_gives_nothing(value):
    for claims in ({"sub": "ana", "tenant": value}, {"sub": "ana"}):
        with pytest.raises(AccessDenied, match="'tenant'"):
            key(("{tenant}/{sub}",), **claims)
        with pytest.raises(AccessDenied, match="'tenant'"):
            key(("{tenant}/{sub}", "x/{tenant}/{sub}/{other}"), **claims, other="x")
        assert key(("teams/{tenant}", "people/{sub}"), **claims).namespaces == ("people/ana",)


def test_a_list_gives_a_namespace_for_each_of_its_texts():
    groups = ["eng", "R & D", "../x", "eng", "", 7, ["ops"]]
    made = key(("people/{sub}", "teams/{groups}"), sub="ana", groups=groups)
    told = ("people/ana", "teams/eng", "teams/R~20~26~20D", "teams/~2E.~2Fx")
    assert made.namespaces == told
    both = key(("{tenant}/{groups}",), sub="ana", tenant=["a", "b"], groups=["x", "y"])
    assert both.namespaces == ("a/x", "a/y", "b/x", "b/y")
    twice = key(("{groups}/of/{groups}",), sub="ana", groups=["x", "y"])
    assert twice.namespaces == ("x/of/x", "y/of/y")


def test_over_64_of_one_template_are_refused():
    some = [f"g{n}" for n in range(64)]
    assert len(key(("{groups}",), sub="ana", groups=some * 2).namespaces) == 64
    for templates, claims in (
        (("{groups}",), {"groups": [*some, "one more"]}),
        (("people/{sub}", "teams/{groups}"), {"groups": [*some, "one more"]}),
        (("{tenant}/{groups}",), {"tenant": some[:9], "groups": some[:9]}),
    ):
        with pytest.raises(AccessDenied, match="over 64 namespaces"):
            key(templates, sub="ana", **claims)


def test_what_a_session_keeps_of_a_list_gives_the_same():
    templates = ("people/{sub}", "teams/{groups}")
    rules = Rules(OAuth(ISSUER, templates, public_url="https://memory.example"))
    claims = {"iss": ISSUER, "sub": "ana", "scope": "mnemon:read", "groups": ["eng", "\ud800"]}
    claims["exp"] = datetime.now(UTC).timestamp() + 60
    again = rules.revived(rules.noted(claims))
    assert again.namespaces == rules.key(claims).namespaces and len(again.namespaces) == 3
    narrower = Rules(OAuth(ISSUER, ("people/{sub}",), public_url="https://memory.example"))
    assert narrower.revived(rules.noted(claims)).namespaces == ("people/ana",)
    alone = {name: value for name, value in claims.items() if name != "groups"}
    assert rules.revived(rules.noted(alone)).namespaces == ("people/ana",)


def test_a_namespace_that_would_be_too_long_is_refused():
    templates = ("/".join(f"{{c{i}}}" for i in range(6)),)
    with pytest.raises(AccessDenied, match="512"):
        key(templates, sub="ana", **{f"c{i}": "x" * 120 for i in range(6)})
