"""The Responses API through the proxy, with OpenAI's own client."""

from __future__ import annotations

import pytest

from mnemon import Memory


@pytest.fixture
def ask(proxy, client):
    talking = client(proxy)

    def send(given, **more):
        return talking.responses.with_raw_response.create(model="scripted", input=given, **more)

    return send


def said(path):
    with Memory(path) as memory:
        return [(cube.speaker, cube.content) for cube in memory.list()]


def test_a_string_is_answered_remembered_and_recalled(ask, upstream, path):
    upstream.text = "Welcome, Miso!"
    first = ask("We adopted a grey cat called Miso.", instructions="Be brief.", store=False)
    assert first.parse().output_text == "Welcome, Miso!"
    answer = ask("What is our cat called?", instructions="Be brief.", store=False)
    told = upstream.asked[-1].json
    assert told["input"].startswith("What is our cat called?\n\n") and "Miso" in told["input"]
    assert (told["instructions"], told["store"]) == ("Be brief.", False)
    assert answer.headers["mnemon-cubes"] == "2"
    assert said(path)[:2] == [
        ("user", "We adopted a grey cat called Miso."), ("assistant", "Welcome, Miso!"),
    ]  # fmt: skip


def test_items_go_through_and_memory_is_a_part_of_the_last_message(ask, upstream, path):
    ask("We adopted a grey cat called Miso.")
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    text = {"type": "input_text", "text": "And is this our cat?"}
    items = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hello."},
        {"type": "message", "role": "assistant",
         "content": [{"type": "output_text", "text": "Hi.", "annotations": []}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xx"},
        {"role": "user", "content": [image, text]},
    ]  # fmt: skip
    ask(items)
    told = upstream.asked[-1].json["input"]
    assert told[:4] == items[:4] and told[4]["content"][:2] == [image, text]
    part = told[4]["content"][2]
    assert part["type"] == "input_text" and "Miso" in part["text"]
    assert [content for _, content in said(path)][2:] == ["And is this our cat?", "Of course."]


def test_a_stream_goes_through_and_is_kept_at_its_end(ask, upstream, path, made):
    upstream.text = "Miso, the grey one."
    events = list(ask("Which cat?", stream=True).parse())
    assert "".join(e.delta for e in events if e.type.endswith("text.delta")) == "Miso,thegreyone."
    assert events[-1].type == "response.completed"
    assert said(path) == [("user", "Which cat?"), ("assistant", "Miso, the grey one.")]


@pytest.mark.parametrize("status", ["failed", "incomplete", "in_progress", "none"])
@pytest.mark.parametrize("stream", [True, False])
def test_what_did_not_complete_is_not_kept(proxy, upstream, path, made, status, stream, web):
    if stream:
        events = made.response_events("half")[:-1]
        end = [made.event(f"response.{status}", response=made.response("half", status))]
        upstream.script = lambda asked, send: made.stream(send, events + end)
    else:
        upstream.script = made.answers(200, made.response("half", status))
    body = {"input": "Which cat?", "stream": stream}
    assert web.post(f"{proxy}/v1/responses", json=body).status_code == 200
    assert said(path) == []


def test_an_answer_cut_at_its_longest_is_kept(proxy, upstream, path, made, web):
    why = {"incomplete_details": {"reason": "max_output_tokens"}}
    upstream.script = made.answers(200, made.response("A long", "incomplete", **why))
    web.post(f"{proxy}/v1/responses", json={"input": "Tell me."})
    assert said(path) == [("user", "Tell me."), ("assistant", "A long")]


def test_a_chain_is_one_session_and_the_same_words_are_another_turn(ask, upstream, path, made):
    for n, previous in enumerate([None, "resp_0", "resp_1"]):
        told = made.response("Go on.") | {"id": f"resp_{n}"}
        upstream.script = made.answers(200, told)
        ask("Yes.", **({"previous_response_id": previous} if previous else {}))
    assert upstream.asked[-1].json["previous_response_id"] == "resp_1"
    with Memory(path) as memory:
        cubes = memory.list()
    assert [cube.content for cube in cubes] == ["Yes.", "Go on."] * 3
    assert len({cube.session for cube in cubes}) == 1
    ask("Yes.", previous_response_id="resp_1")  # a retry
    assert len(said(path)) == 6


def test_a_conversation_kept_upstream_is_a_session(ask, path):
    ask("Hello.", conversation="conv_1")
    ask("We have a cat.", conversation={"id": "conv_1"})
    with Memory(path) as memory:
        assert {cube.session for cube in memory.list()} == {"conv_1"}


def test_tools_results_alone_recall_nothing_and_only_the_answer_is_kept(ask, upstream, path, made):
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "look",
            "arguments": '{"secret": "hunter2"}', "status": "completed"}  # fmt: skip
    first = made.response("")
    upstream.script = made.answers(200, {**first, "output": [call]})
    assert ask("Look.").parse().output[0].arguments == '{"secret": "hunter2"}'
    upstream.script = upstream.says
    result = {"type": "function_call_output", "call_id": "c", "output": "hunter2"}
    answer = ask([result], previous_response_id="resp_1")
    assert upstream.asked[-1].json["input"] == [result]
    assert answer.headers["mnemon-cubes"] == "0"
    assert said(path) == [("user", "Look."), ("assistant", "Of course.")]
    with Memory(path) as memory:
        assert b"hunter2" not in b"".join(memory.dump())
