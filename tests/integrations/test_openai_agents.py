from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.errors import InvalidInput

from .later import Later
from .scripted import Asked, Call, Model

if TYPE_CHECKING:
    from agents import Agent, Session

agents, ours = Later("agents"), Later("mnemon.integrations.openai_agents")

ITEMS: list[Any] = [
    {"role": "user", "content": "I adopted a grey cat called Miso."},
    {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "a pet"}]},
    {"type": "function_call", "call_id": "c1", "name": "note", "arguments": '{"a": 1}'},
    {"type": "function_call_output", "call_id": "c1", "output": "ok"},
    {
        "role": "assistant",
        "type": "message",
        "content": [{"type": "output_text", "text": "Hi Miso"}],
    },
    {"role": "user", "content": [{"type": "input_image", "image_url": "data:…"}]},
    {"role": "user", "content": ""},
    {"role": "user", "content": "same"},
    {"role": "user", "content": "same"},
]


def test_it_is_a_session(memory: Memory) -> None:
    assert isinstance(ours.MnemonSession("s", memory), agents.Session)


@pytest.fixture(params=["SQLiteSession", "file", "server"])
def session(request: pytest.FixtureRequest, opened: Callable[[str], Memory]) -> Any:
    """The SDK's own session and ours, held to the same."""
    if request.param == "SQLiteSession":
        with_closing = agents.SQLiteSession("s")
        request.addfinalizer(with_closing.close)
        return with_closing
    return ours.MnemonSession("s", opened(request.param))


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(steps)


def test_items_come_back_in_order_and_unchanged(session: Session) -> None:
    async def steps() -> None:
        assert await session.get_items() == []
        await session.add_items([])
        await session.add_items(ITEMS[:3])
        await session.add_items(ITEMS[3:])
        assert await session.get_items() == ITEMS
        assert await session.get_items(limit=2) == ITEMS[-2:]
        assert await session.get_items(limit=100) == ITEMS
        assert await session.get_items(limit=0) == []

    run(steps())


def test_popping_takes_the_newest(session: Session) -> None:
    async def steps() -> None:
        await session.add_items(ITEMS)
        popped = [await session.pop_item() for _ in ITEMS]
        assert popped == ITEMS[::-1]
        assert await session.pop_item() is None
        await session.add_items(ITEMS[:1])
        assert await session.get_items() == ITEMS[:1]

    run(steps())


def test_clearing_empties_this_session(session: Session) -> None:
    async def steps() -> None:
        await session.add_items(ITEMS)
        await session.clear_session()
        await session.clear_session()
        assert await session.get_items() == [] and await session.pop_item() is None

    run(steps())


def test_writers_at_once_lose_nothing(session: Session) -> None:
    async def steps() -> None:
        pairs = [[{"role": "user", "content": f"{n}{part}"} for part in "ab"] for n in range(8)]
        await asyncio.gather(*(session.add_items(pair) for pair in pairs))
        told = [item["content"] for item in await session.get_items()]
        assert sorted(told) == sorted(item["content"] for pair in pairs for item in pair)
        assert all(told[i][0] == told[i + 1][0] for i in range(0, 16, 2))
        popped = await asyncio.gather(*(session.pop_item() for _ in range(16)))
        assert sorted(item["content"] for item in popped) == sorted(told)

    run(steps())


def test_sessions_and_namespaces_are_apart(memory: Memory) -> None:
    async def steps() -> None:
        one, other = ours.MnemonSession("one", memory), ours.MnemonSession("other", memory)
        below = ours.MnemonSession("one", memory, namespace=f"{memory.namespace}/below")
        await one.add_items(ITEMS[:1])
        await below.add_items(ITEMS[1:2])
        memory.add("A turn of somebody else's.", session="one")
        assert await other.get_items() == [] and await one.get_items() == ITEMS[:1]
        await one.clear_session()
        assert await below.get_items() == ITEMS[1:2] and memory.count() == 2

    run(steps())


def test_the_settings_limit_what_a_run_is_given(memory: Memory) -> None:
    async def steps() -> None:
        session = ours.MnemonSession("s", memory, session_settings=agents.SessionSettings(limit=2))
        await session.add_items(ITEMS)
        assert await session.get_items() == ITEMS[-2:]
        assert await session.get_items(limit=3) == ITEMS[-3:]

    run(steps())


def test_any_item_survives(local: Memory) -> None:
    session = ours.MnemonSession("any", local)

    @settings(max_examples=25)
    @given(
        st.lists(
            st.fixed_dictionaries({"role": st.sampled_from(["user", "x"]), "content": st.text()})
        )
    )
    def held(items: list[Any]) -> None:
        async def steps() -> None:
            await session.add_items(items)
            assert await session.get_items() == items
            await session.clear_session()

        run(steps())

    held()


def test_what_is_no_json_is_refused_and_nothing_is_kept(memory: Memory) -> None:
    async def steps() -> None:
        session = ours.MnemonSession("s", memory)
        with pytest.raises(InvalidInput, match="JSON"):
            await session.add_items([ITEMS[0], {"role": "user", "content": object()}])
        assert await session.get_items() == []
        with pytest.raises(InvalidInput, match="session"):
            ours.MnemonSession("", memory)

    run(steps())


def test_what_was_said_is_found_by_meaning_and_what_was_done_is_not_said(memory: Memory) -> None:
    run(ours.MnemonSession("s", memory).add_items(ITEMS))
    (hit,) = memory.search("Which pet?", k=1, kind="episode", min_score=0.1)
    assert (hit.cube.content, hit.cube.speaker, hit.cube.session) == (
        "I adopted a grey cat called Miso.", "user", "s"
    )  # fmt: skip
    steps = [cube.content for cube in memory.list(kind="step")]
    assert steps == ["a pet", 'note\n{"a": 1}', "ok", "(no text)", "(no text)"]


@pytest.fixture
def agent(model: Model) -> Callable[..., Agent[Any]]:
    agents.set_tracing_disabled(True)

    def make(**options: Any) -> Agent[Any]:
        client = Later("openai").AsyncOpenAI(max_retries=0)
        model = agents.OpenAIResponsesModel("scripted", client)
        return agents.Agent("Helper", model=model, **options)

    return make


def test_a_run_with_tools_is_kept_and_goes_on(
    memory: Memory, model: Model, agent: Callable[..., Agent[Any]]
) -> None:
    def script(asked: Asked) -> str | Call:
        role, text = asked.last
        if role == "tool":
            return f"The weather is {text}."
        if "weather" in text:
            return Call("weather", {"city": "Lisbon"})
        return "You asked about " + asked.messages[0][1]

    @agents.function_tool
    def weather(city: str) -> str:
        """Weather of a city."""
        return f"sunny in {city}"

    model.script = script

    async def steps() -> None:
        helper = agent(tools=[weather])
        session = ours.MnemonSession("s", memory)
        first = await agents.Runner.run(helper, "the weather", session=session)
        assert first.final_output == "The weather is sunny in Lisbon."
        kinds = [item.get("type") or item["role"] for item in await session.get_items()]
        assert kinds == ["user", "function_call", "function_call_output", "message"]
        again = ours.MnemonSession("s", memory)
        second = await agents.Runner.run(helper, "What did I ask?", session=again)
        assert second.final_output == "You asked about the weather"
        assert len(await again.get_items()) == 6

    run(steps())


def test_the_tool_recalls_other_sessions(
    memory: Memory, model: Model, agent: Callable[..., Agent[Any]]
) -> None:
    model.script = lambda asked: (
        asked.last[1] if asked.last[0] == "tool" else Call("recall", {"query": "the cat's name"})
    )

    async def steps() -> None:
        helper = agent(tools=[ours.recall_tool(memory, namespace=f"{memory.namespace}/a")])
        other = ours.MnemonSession("new", memory, namespace=f"{memory.namespace}/b")
        empty = await agents.Runner.run(helper, "What is it called?", session=other)
        assert empty.final_output == "Nothing is remembered."
        old = ours.MnemonSession("old", memory, namespace=f"{memory.namespace}/a")
        await old.add_items(ITEMS[:1])
        found = await agents.Runner.run(helper, "What is it called?", session=other)
        assert "grey cat called Miso" in found.final_output

    run(steps())


def test_the_filter_puts_what_is_recalled_below_the_instructions(
    memory: Memory, model: Model, agent: Callable[..., Agent[Any]]
) -> None:
    async def steps() -> None:
        await ours.MnemonSession("old", memory).add_items(ITEMS[:1])
        config = agents.RunConfig(call_model_input_filter=ours.recall_filter(memory, min_score=0.1))
        helper = agent(instructions="Be brief.")
        await agents.Runner.run(helper, "What is my cat called?", run_config=config)
        await agents.Runner.run(helper, "interest rates of central banks", run_config=config)

    run(steps())
    told, untold = (asked.system for asked in model.asked)
    assert told.startswith("Be brief.\n\n") and "grey cat called Miso" in told
    assert untold == "Be brief."
