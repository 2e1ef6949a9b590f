"""Where memory goes: the client's own bytes stay in front, the same from turn to turn."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.server.proxy.events import Events
from mnemon.server.proxy.places import elements, last_said, member, members, put_into

FACTS = [
    "Ana adopted a grey cat called Miso.", "Ben is allergic to peanuts.",
    "The plumber comes on Tuesday.", "Ana's sister Eva lives in Porto.",
]  # fmt: skip


def shared(one: bytes, two: bytes) -> int:
    pairs = zip(one, two, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(two)))


@pytest.mark.parametrize("parts", [False, True])
def test_ten_turns_keep_the_longest_prefix_byte_for_byte(proxy, client, upstream, path, parts):
    with Memory(path) as memory:
        memory.add(FACTS)
    talking = client(proxy)
    messages = [{"role": "system", "content": "You are brief. ☕"}]
    before, ends = None, []
    for n in range(10):
        upstream.text = f"Answer number {n}."
        said = f"Question {n}: who is allergic, and what is the cat called?"
        content = [{"type": "text", "text": said}] if parts else said
        messages.append({"role": "user", "content": content})
        answer = talking.chat.completions.with_raw_response.create(
            model="scripted", messages=messages
        )
        asked = upstream.asked[-1]
        front = int(answer.headers["mnemon-prefix-bytes"])
        assert "Miso" in asked.last and asked.body[:front].count(b"remembered-data") == 0
        # All up to the end of what the user said is as the client sent it …
        assert asked.body[:front].decode().endswith('"}' if parts else said)
        assert json.loads(asked.body)["messages"][:-1] == messages[:-1]
        # … and the turn before begins with the same bytes, its user's last words included.
        if before is not None:
            assert shared(before, asked.body) >= ends[-1]
            assert asked.body[: ends[-1]] == before[: ends[-1]]
        before, ends = asked.body, [*ends, front]
        messages.append({"role": "assistant", "content": upstream.text})
    assert ends == sorted(set(ends))


def test_while_tools_are_called_memory_stays_where_it_was(proxy, client, upstream, path, made):
    with Memory(path) as memory:
        memory.add(FACTS)
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    said = {"role": "user", "content": "What is the cat called?"}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "c", "content": "nothing"}
    upstream.script = made.answers(200, made.completion(None, "tool_calls", tool_calls=[call]))
    for messages in ([said], [said, calling, result], [said, calling, result, calling, result]):
        client(proxy).chat.completions.create(model="scripted", messages=messages)
    first, *later = (json.loads(asked.body)["messages"] for asked in upstream.asked)
    assert "Miso" in first[0]["content"]
    assert [told[0] for told in later] == [first[0]] * 2


NAMES = st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
SPACES = st.sampled_from([(", ", ": "), (",", ":"), ("\n,\t", " :\r\n ")])


@given(st.dictionaries(NAMES, JSON, max_size=4), JSON, SPACES, st.booleans())
def test_places_are_those_of_the_values(told, more, spaces, ascii):
    whole = {**told, "here": [more, told]}
    text = " " + json.dumps(whole, separators=spaces, ensure_ascii=ascii)
    found = members(text, 1)
    assert {name: json.loads(text[slice(*place)]) for name, place in found.items()} == whole
    inner = elements(text, found["here"][0])
    assert [json.loads(text[slice(*place)]) for place in inner] == [more, told]


@given(st.text(), st.text(min_size=1), SPACES, st.booleans(), st.booleans())
def test_what_is_put_in_changes_nothing_else(said, more, spaces, ascii, parts):
    content = [{"type": "text", "text": said}] if parts else said
    body = {"messages": [{"role": "user", "content": content}, {"role": "tool"}], "x": [said]}
    text = json.dumps(body, separators=spaces, ensure_ascii=ascii)
    at, piece = put_into(text, last_said(text, member(text, "messages")), more, "text")
    told = json.loads(text[:at] + piece + text[at:])
    expected = [*content, {"type": "text", "text": more}] if parts else said + more
    assert told["messages"][0]["content"] == expected
    told["messages"][0]["content"] = content
    assert told == body


def test_into_no_parts_one_is_put():
    text = '{"messages": [{"role": "user", "content": [ ]}]}'
    at, piece = put_into(text, last_said(text, member(text, "messages")), "x", "text")
    assert json.loads(text[:at] + piece + text[at:])["messages"][0]["content"] == [
        {"type": "text", "text": "x"}
    ]


LINES = st.lists(st.text("ab: é", min_size=1, max_size=5), min_size=1, max_size=3)


@given(
    st.lists(st.tuples(st.sampled_from(["", "a"]), LINES), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.data(),
)
def test_events_are_the_same_however_they_are_cut(told, end, data):
    text = ""
    for name, lines in told:
        text += f"event: {name}{end}" if name else f": hello{end}"
        text += "".join(f"data: {line}{end}" for line in lines) + end
    raw = (text + f"data: {end}{end}").encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    events = Events()
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    found = [one for piece in pieces for one in events.feed(piece)]
    assert found[: len(told)] == [(name, "\n".join(lines)) for name, lines in told]
