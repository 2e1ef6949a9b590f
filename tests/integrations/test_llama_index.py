from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mnemon import Memory

from .later import Later

if TYPE_CHECKING:
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.llms import ChatMessage
    from llama_index.core.memory import BaseMemory

llms, memories = Later("llama_index.core.llms"), Later("llama_index.core.memory")
ours = Later("mnemon.integrations.llama_index")

USER, ASSISTANT, TOOL = "user", "assistant", "tool"


@pytest.fixture(scope="module")
def messages() -> list[ChatMessage]:
    return [
        llms.ChatMessage(role=USER, content="I adopted a grey cat called Miso."),
        llms.ChatMessage(
            role=ASSISTANT, content="", additional_kwargs={"tool_calls": [{"id": "c1"}]}
        ),
        llms.ChatMessage(role=TOOL, content="ok", additional_kwargs={"tool_call_id": "c1"}),
        llms.ChatMessage(
            role=ASSISTANT, blocks=[llms.TextBlock(text="Hi"), llms.TextBlock(text="Miso")]
        ),
        llms.ChatMessage(role=USER, blocks=[llms.ImageBlock(url="http://127.0.0.1/cat.png")]),
        llms.ChatMessage(role=USER, content="same"),
        llms.ChatMessage(role=USER, content="same"),
    ]


def test_the_retriever_gives_nodes(memory: Memory) -> None:
    memory.add("Ana moved to Lisbon in March.", speaker="Ana", at="2025-03-09")
    memory.add("The cat is called Miso.", kind="fact")
    retriever = ours.MnemonRetriever(memory, k=1)
    (found,) = retriever.retrieve("Where did Ana move?")
    assert found.node.get_content() == "Ana moved to Lisbon in March." and 0 < found.score <= 1
    assert memory.get(found.node.node_id).speaker == found.node.metadata["speaker"] == "Ana"
    assert "namespace" not in found.node.get_content("llm") and "2025" in found.node.get_content(
        "llm"
    )
    (again,) = asyncio.run(retriever.aretrieve("Where did Ana move?"))
    assert again.node.node_id == found.node.node_id
    (fact,) = ours.MnemonRetriever(memory, kind="fact").retrieve("Ana")
    assert fact.node.metadata["kind"] == "fact"
    assert ours.MnemonRetriever(memory, min_score=0.3).retrieve("interest rates") == []


def test_the_memory_keeps_messages_in_order_and_unchanged(
    memory: Memory, messages: list[ChatMessage]
) -> None:
    kept: BaseMemory = ours.MnemonMemory.from_defaults(memory=memory, session="s")
    assert kept.get_all() == [] == kept.get(input="anything")
    kept.put(messages[0])
    kept.put_messages(messages[1:])
    assert kept.get_all() == messages
    assert kept.get() == messages, "nothing is recalled that is shown anyway"
    assert ours.MnemonMemory(memory=memory, session="s").get_all() == messages
    assert ours.MnemonMemory(memory=memory, session="other").get_all() == []
    kept.reset()
    assert kept.get_all() == [] and memory.count() == 0


def test_setting_writes_what_is_new(memory: Memory, messages: list[ChatMessage]) -> None:
    kept = ours.MnemonMemory(memory=memory, session="s")
    kept.set(messages[:3])
    ids = [cube.id for cube in memory.list()]
    kept.set(messages)
    assert kept.get_all() == messages and [cube.id for cube in memory.list()][:3] == ids
    kept.set(messages[3:5])
    assert kept.get_all() == messages[3:5]


def test_it_recalls_what_other_sessions_said(memory: Memory, messages: list[ChatMessage]) -> None:
    ours.MnemonMemory(memory=memory, session="old").put(messages[0])
    kept = ours.MnemonMemory(memory=memory, session="new")
    kept.put(llms.ChatMessage(role=USER, content="Hello"))
    told, hello = kept.get(input="What is my cat called?")
    assert told.role == "system" and "grey cat called Miso" in told.content
    assert hello.content == "Hello"
    silent = ours.MnemonMemory(memory=memory, session="new", budget=0)
    assert [one.content for one in silent.get(input="What is my cat called?")] == ["Hello"]
    as_user = ours.MnemonMemory(
        memory=memory, session="new", insert_method=memories.InsertMethod.USER
    )
    assert [one.role for one in as_user.get(input="What is my cat called?")] == [USER, USER]
    facts = ours.MnemonMemory(memory=memory, session="new", kind="fact")
    assert len(facts.get(input="What is my cat called?")) == 1


@pytest.mark.parametrize(("limit", "first"), [(7, 0), (6, 4), (3, 4), (2, 5), (1, 6)])
def test_the_newest_begin_with_the_user(
    memory: Memory, messages: list[ChatMessage], limit: int, first: int
) -> None:
    kept = ours.MnemonMemory(memory=memory, session="s", limit=limit)
    kept.put_messages(messages)
    assert kept.get()[-len(messages[first:]) :] == messages[first:]
    assert kept.get_all() == messages


def test_the_async_calls_are_the_same(memory: Memory, messages: list[ChatMessage]) -> None:
    async def steps() -> None:
        kept = ours.MnemonMemory(memory=memory, session="s")
        await kept.aput(messages[0])
        await kept.aput_messages(messages[1:])
        assert await kept.aget_all() == messages
        assert await kept.aget(input="cat") == messages
        await kept.aset(messages[:1])
        await kept.areset()
        assert await kept.aget() == []

    asyncio.run(steps())


def repeating() -> Any:
    """A model that answers with all that it is shown."""

    class Repeating(llms.MockLLM):
        def chat(self, messages: Any, **options: Any) -> Any:
            shown = " | ".join(str(one.content) for one in messages)
            return llms.ChatResponse(message=llms.ChatMessage(role=ASSISTANT, content=shown))

    return Repeating()


def test_a_chat_engine_remembers_across_sessions(memory: Memory) -> None:
    def engine(session: str) -> SimpleChatEngine:
        kept = ours.MnemonMemory(memory=memory, session=session)
        return Later("llama_index.core.chat_engine").SimpleChatEngine.from_defaults(
            llm=repeating(), memory=kept
        )

    engine("first").chat("I adopted a grey cat called Miso.")
    assert "Miso" in engine("second").chat("What is my cat called?").response
    assert [one.role for one in engine("first").chat_history] == [USER, ASSISTANT]


def test_the_block_keeps_what_leaves_the_short_term(memory: Memory) -> None:
    block = ours.MnemonMemoryBlock(memory=memory, budget=100)
    own = memories.Memory.from_defaults(
        session_id="s", token_limit=60, chat_history_token_ratio=0.5, token_flush_size=10,
        memory_blocks=[block], tokenizer_fn=str.split,
    )  # fmt: skip

    async def steps() -> list[ChatMessage]:
        for n in range(6):
            said = f"Fact {n}: the colour of door {n} is number {n * 11} of the palette"
            await own.aput(llms.ChatMessage(role=USER, content=said))
            await own.aput(llms.ChatMessage(role=ASSISTANT, content="Noted."))
        try:
            return await own.aget(input="What is the colour of door 0?")
        finally:
            await own.sql_store._async_engine.dispose()

    shown = asyncio.run(steps())
    kept = memory.list(session="s")
    assert kept and kept[0].content.startswith("Fact 0") and kept[0].speaker == "user"
    assert shown[0].role == "system" and "door 0 is number 0" in shown[0].content
    assert "session_id" not in kept[0].metadata["item"]


def test_the_block_alone(memory: Memory, messages: list[ChatMessage]) -> None:
    block = ours.MnemonMemoryBlock(memory=memory)

    async def steps() -> None:
        assert await block.aget([]) == "" == await block.aget(messages[2:4])
        await block.aput(messages[:1])
        assert "Miso" in await block.aget([llms.ChatMessage(role=USER, content="my cat?")])

    asyncio.run(steps())
