"""Chats, with OpenAI's own client: what arrives upstream, what comes back, what is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mnemon import Memory
from mnemon.server.proxy import storing


def said(path):
    with Memory(path) as memory:
        return [(cube.speaker, cube.content) for cube in memory.list()]


def test_what_was_said_is_recalled_in_the_next_conversation(chat, upstream, path):
    upstream.text = "Welcome, Miso!"
    first = chat("We adopted a grey cat called Miso.")
    assert first.parse().choices[0].message.content == "Welcome, Miso!"
    assert first.headers["mnemon-cubes"] == "0" and first.headers["mnemon-stored"] == "2"
    second = chat("What is our cat called?")
    assert int(second.headers["mnemon-cubes"]) == 2 and int(second.headers["mnemon-tokens"]) > 9
    assert "user: We adopted a grey cat called Miso." in upstream.asked[-1].last
    assert "assistant: Welcome, Miso!" in upstream.asked[-1].last
    assert upstream.asked[-1].last.startswith("What is our cat called?\n\n")
    assert said(path)[2:] == [
        ("user", "What is our cat called?"), ("assistant", "Welcome, Miso!"),
    ]  # fmt: skip


def test_a_stored_chat_says_where_it_is_from(chat, path):
    answer = chat("We adopted a cat.", headers={"Session": "s%20%C3%A9", "Speaker": "Ana"})
    assert answer.headers["mnemon-session"] == "s%20%C3%A9"
    with Memory(path) as memory:
        user, assistant = memory.list()
    assert (user.speaker, user.session, user.kind) == ("Ana", "s é", "episode")
    assert assistant.session == "s é" and assistant.valid_from >= user.valid_from
    assert assistant.metadata == {"response": "chatcmpl-1", "model": "scripted"}
    assert (user.provenance.producer, assistant.provenance.source) == ("proxy", "chatcmpl-1")


def test_the_request_arrives_as_it_was_but_for_one_insertion(proxy, upstream, chat, web):
    chat("We adopted a grey cat called Miso.")
    body = (
        '{ "messages" :[{"role":"system","content":"Be \\u0062rief."},'
        '\t{"content": "Name\\u0020the c\\u00e4t 😀?" , "role":"user"} ],"temperature":1.50,'
        '"seed":12345678901234567890,"x":{"y":[1e5,-0.0]},"model":"scripted"}'
    ).encode()
    answer = web.post(
        f"{proxy}/v1/chat/completions?a=b%20c", content=body,
        headers={"Content-Type": "application/json", "OpenAI-Beta": "x"},
    )  # fmt: skip
    asked = upstream.asked[-1]
    front = int(answer.headers["mnemon-prefix-bytes"])
    grown = len(asked.body) - len(body)
    assert grown > 0 and asked.body[:front] + asked.body[front + grown :] == body
    assert body[:front].endswith("t 😀?".encode()) and asked.headers["openai-beta"] == "x"
    assert "Miso" in asked.last and asked.json["messages"][1]["content"] == asked.last


def test_the_answer_comes_back_as_it_was(proxy, upstream, made, web):
    raw = b'{"choices": [{"finish_reason":"stop","message":{"content":"\\u0041"}}] ,"n":1.50}'
    upstream.script = made.answers(200, raw, x_request_id="r1", set_cookie="a=b")
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    answer = web.post(f"{proxy}/v1/chat/completions", json=body)
    assert answer.content == raw and answer.headers["x-request-id"] == "r1"
    assert "set-cookie" not in answer.headers
    web.post(f"{proxy}/v1/chat/completions", json=body)
    assert "cookie" not in upstream.asked[-1].headers


def test_parts_tools_and_unknown_fields_stay(chat, upstream, path):
    chat("We adopted a grey cat called Miso.")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    text = {"type": "text", "text": "Is this our cat?"}
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    chat(
        {"role": "user", "content": [text, image], "name": "Ana"}, tools=[tool], n=2,
        logprobs=True, response_format=form, extra_body={"of_the_client": [1]},
    )  # fmt: skip
    told = upstream.asked[-1].json
    parts = told["messages"][0]["content"]
    assert parts[:2] == [text, image] and parts[2]["type"] == "text" and "Miso" in parts[2]["text"]
    assert (told["tools"], told["n"], told["logprobs"]) == ([tool], 2, True)
    assert told["response_format"] == form and told["of_the_client"] == [1]
    with Memory(path) as memory:
        cube = memory.list()[2]
    assert (cube.speaker, cube.content) == ("Ana", "Is this our cat?")
    assert cube.metadata == {"attached": ["image_url"]}


def test_of_tool_calls_the_names_are_kept_and_nothing_else(chat, upstream, path, made):
    wanted = {
        "id": "c1", "type": "function",
        "function": {"name": "look_up", "arguments": '{"password": "hunter2"}'},
    }  # fmt: skip
    told = made.completion("Let me look.", "tool_calls", tool_calls=[wanted])
    upstream.script = made.answers(200, told)
    first = {"role": "user", "content": "What is my plan?"}
    answer = chat(first)
    call = answer.parse().choices[0].message
    assert call.tool_calls[0].function.arguments == '{"password": "hunter2"}'
    upstream.script = made.answers(200, made.completion("A holiday."))
    result = {"role": "tool", "tool_call_id": "c1", "content": "the token is xyzzy"}
    chat(first, {"role": "assistant", "content": "Let me look.", "tool_calls": [wanted]},
         result)  # fmt: skip
    assert upstream.asked[-1].json["messages"][2] == result
    assert said(path) == [
        ("user", "What is my plan?"), ("assistant", "Let me look."), ("assistant", "A holiday."),
    ]  # fmt: skip
    with Memory(path) as memory:
        assert memory.list()[1].metadata["tools"] == ["look_up"]
        assert b"hunter2" not in (dump := b"".join(memory.dump())) and b"xyzzy" not in dump


def test_a_retry_stores_nothing_and_another_answer_is_the_next_version(chat, upstream, path):
    chat("Where shall we go?")
    chat("Where shall we go?")
    assert said(path) == [("user", "Where shall we go?"), ("assistant", "Of course.")]
    upstream.text = "To Porto."
    chat("Where shall we go?")
    assert said(path) == [("user", "Where shall we go?"), ("assistant", "To Porto.")]
    history = ["Where shall we go?", {"role": "assistant", "content": "To Porto."}, "And then?"]
    chat(*history)
    chat(*history)
    assert len(said(path)) == 4
    with Memory(path) as memory:
        answer = memory.list()[1]
        assert [one.content for one in memory.history(answer.id)] == ["Of course.", "To Porto."]
        assert len({cube.session for cube in memory.list()}) == 1


def test_the_same_first_words_later_are_another_conversation(chat, upstream, path, monkeypatch):
    monkeypatch.setattr(storing, "AGAIN", timedelta(milliseconds=1))
    for text in ("Sunny.", "Rainy."):
        upstream.text = text
        chat("How is the weather?", headers={"Session": "kitchen"})
    contents = [text for _, text in said(path)]
    assert contents == ["How is the weather?", "Sunny.", "How is the weather?", "Rainy."]


def test_what_was_corrected_or_forgotten_is_not_touched_by_a_retry(chat, upstream, path):
    chat("Where shall we go?")
    with Memory(path) as memory:
        user, answer = memory.list()
        memory.update(answer.id, "Nowhere, it rains.")
        memory.forget(user.id)
    upstream.text = "To Porto."
    chat("Where shall we go?")
    assert said(path) == [("assistant", "Nowhere, it rains.")]


def test_the_same_words_later_in_a_session_are_another_turn(chat, path):
    turns = ["Yes.", {"role": "assistant", "content": "Of course."}, "Yes."]
    chat(turns[0], headers={"Session": "s"})
    chat(*turns, headers={"Session": "s"})
    assert [content for _, content in said(path)] == ["Yes.", "Of course."] * 2


def test_of_a_long_history_only_the_last_turn_is_stored(chat, path):
    old = [{"role": role, "content": f"{role} {n}"} for n in range(9) for role in ROLES]
    chat(*old, "Newest.", "And this.")
    assert [content for _, content in said(path)] == ["Newest.", "And this.", "Of course."]


ROLES = ("user", "assistant")


def test_what_the_request_tells_itself_is_not_recalled(chat, upstream):
    upstream.text = "Welcome, Miso!"
    chat("We adopted a grey cat called Miso.")
    chat("Our dog is called Rex.", headers={"Session": "another"})
    answer = chat(
        "We adopted a grey cat called Miso.", {"role": "assistant", "content": "Welcome, Miso!"},
        "What are our pets called?",
    )  # fmt: skip
    assert answer.headers["mnemon-cubes"] == "1"
    assert "Rex" in upstream.asked[-1].last and "Miso" not in upstream.asked[-1].last


@pytest.mark.parametrize("mode", ["read", "write", "off"])
def test_memory_does_what_it_is_asked(chat, upstream, path, mode):
    with Memory(path) as memory:
        memory.add("Our cat is called Miso.")
    answer = chat("What is our cat called?", headers={"Memory": mode})
    assert answer.headers["mnemon-memory"] == mode
    assert ("Miso" in upstream.asked[-1].last) == (mode == "read")
    assert len(said(path)) == (3 if mode == "write" else 1)


def test_the_budget_holds_and_a_score_can_be_asked_for(chat, upstream, path):
    with Memory(path) as memory:
        memory.add([f"Ana bought lamp number {n} in the old town." for n in range(300)])
    for budget in (60, 200, 1000):
        answer = chat("Which lamp did Ana buy?", headers={"Budget": str(budget), "Memory": "read"})
        assert budget / 2 < int(answer.headers["mnemon-tokens"]) <= budget
    for headers in ({"Budget": "0"}, {"Budget": "20"}, {"Min-Score": "1"}):
        answer = chat("Which lamp did Ana buy?", headers={**headers, "Memory": "read"})
        assert (
            answer.headers["mnemon-cubes"] == "0" and "lamp number" not in upstream.asked[-1].last
        )


def test_others_take_the_room_of_what_the_request_tells(chat, upstream, path):
    lamps = [f"Ana bought lamp number {n} in the old town." for n in range(100)]
    with Memory(path) as memory:
        memory.add(lamps)
    history = [
        {"role": role, "content": text} for role, text in zip(ROLES * 30, lamps[:60], strict=True)
    ]
    asked = "Which lamp did Ana buy in the old town?"
    answer = chat(*history, asked, headers={"Budget": "300", "Memory": "read"})
    assert int(answer.headers["mnemon-cubes"]) >= 8
    told = upstream.asked[-1].last
    assert not any(f"{text}\n" in told for text in lamps[:60])
