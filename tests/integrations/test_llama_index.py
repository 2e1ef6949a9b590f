from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import (
    ChatMessage,
    ChatResponse,
    ImageBlock,
    MessageRole,
    MockLLM,
    TextBlock,
)
from llama_index.core.memory import BaseMemory, InsertMethod
from llama_index.core.memory import Memory as LlamaMemory

from mnemon import Memory
from mnemon.integrations.llama_index import MnemonMemory, MnemonMemoryBlock, MnemonRetriever

USER, ASSISTANT, TOOL = MessageRole.USER, MessageRole.ASSISTANT, MessageRole.TOOL
MESSAGES = [
    ChatMessage(role=USER, content="I adopted a grey cat called Miso."),
    ChatMessage(role=ASSISTANT, content="", additional_kwargs={"tool_calls": [{"id": "c1"}]}),
    ChatMessage(role=TOOL, content="ok", additional_kwargs={"tool_call_id": "c1"}),
    ChatMessage(role=ASSISTANT, blocks=[TextBlock(text="Hi"), TextBlock(text="Miso")]),
    ChatMessage(role=USER, blocks=[ImageBlock(url="http://127.0.0.1/cat.png")]),
    ChatMessage(role=USER, content="same"),
    ChatMessage(role=USER, content="same"),
]


def test_the_retriever_gives_nodes(memory: Memory) -> None:
    memory.add("Ana moved to Lisbon in March.", speaker="Ana", at="2025-03-09")
    memory.add("The cat is called Miso.", kind="fact")
    retriever = MnemonRetriever(memory, k=1)
    (found,) = retriever.retrieve("Where did Ana move?")
    assert found.node.get_content() == "Ana moved to Lisbon in March." and 0 < found.score <= 1
    assert memory.get(found.node.node_id).speaker == found.node.metadata["speaker"] == "Ana"
    assert "namespace" not in found.node.get_content("llm") and "2025" in found.node.get_content(
        "llm"
    )
    (again,) = asyncio.run(retriever.aretrieve("Where did Ana move?"))
    assert again.node.node_id == found.node.node_id
    (fact,) = MnemonRetriever(memory, kind="fact").retrieve("Ana")
    assert fact.node.metadata["kind"] == "fact"
    assert MnemonRetriever(memory, min_score=0.3).retrieve("interest rates") == []


def test_the_memory_keeps_messages_in_order_and_unchanged(memory: Memory) -> None:
    kept: BaseMemory = MnemonMemory.from_defaults(memory=memory, session="s")
    assert kept.get_all() == [] == kept.get(input="anything")
    kept.put(MESSAGES[0])
    kept.put_messages(MESSAGES[1:])
    assert kept.get_all() == MESSAGES
    assert kept.get() == MESSAGES, "nothing is recalled that is shown anyway"
    assert MnemonMemory(memory=memory, session="s").get_all() == MESSAGES
    assert MnemonMemory(memory=memory, session="other").get_all() == []
    kept.reset()
    assert kept.get_all() == [] and memory.count() == 0


def test_setting_writes_what_is_new(memory: Memory) -> None:
    kept = MnemonMemory(memory=memory, session="s")
    kept.set(MESSAGES[:3])
    ids = [cube.id for cube in memory.list()]
    kept.set(MESSAGES)
    assert kept.get_all() == MESSAGES and [cube.id for cube in memory.list()][:3] == ids
    kept.set(MESSAGES[3:5])
    assert kept.get_all() == MESSAGES[3:5]


def test_it_recalls_what_other_sessions_said(memory: Memory) -> None:
    MnemonMemory(memory=memory, session="old").put(MESSAGES[0])
    kept = MnemonMemory(memory=memory, session="new")
    kept.put(ChatMessage(role=USER, content="Hello"))
    told, hello = kept.get(input="What is my cat called?")
    assert told.role == MessageRole.SYSTEM and "grey cat called Miso" in told.content
    assert hello.content == "Hello"
    silent = MnemonMemory(memory=memory, session="new", budget=0)
    assert [one.content for one in silent.get(input="What is my cat called?")] == ["Hello"]
    as_user = MnemonMemory(memory=memory, session="new", insert_method=InsertMethod.USER)
    assert [one.role for one in as_user.get(input="What is my cat called?")] == [USER, USER]
    facts = MnemonMemory(memory=memory, session="new", kind="fact")
    assert len(facts.get(input="What is my cat called?")) == 1


@pytest.mark.parametrize(("limit", "first"), [(7, 0), (6, 4), (3, 4), (2, 5), (1, 6)])
def test_the_newest_begin_with_the_user(memory: Memory, limit: int, first: int) -> None:
    kept = MnemonMemory(memory=memory, session="s", limit=limit)
    kept.put_messages(MESSAGES)
    assert kept.get()[-len(MESSAGES[first:]) :] == MESSAGES[first:]
    assert kept.get_all() == MESSAGES


def test_the_async_calls_are_the_same(memory: Memory) -> None:
    async def steps() -> None:
        kept = MnemonMemory(memory=memory, session="s")
        await kept.aput(MESSAGES[0])
        await kept.aput_messages(MESSAGES[1:])
        assert await kept.aget_all() == MESSAGES
        assert await kept.aget(input="cat") == MESSAGES
        await kept.aset(MESSAGES[:1])
        await kept.areset()
        assert await kept.aget() == []

    asyncio.run(steps())


class Repeating(MockLLM):
    """Answers with all that it is shown."""

    def chat(self, messages: Any, **options: Any) -> Any:
        shown = " | ".join(str(one.content) for one in messages)
        return ChatResponse(message=ChatMessage(role=ASSISTANT, content=shown))


def test_a_chat_engine_remembers_across_sessions(memory: Memory) -> None:
    def engine(session: str) -> SimpleChatEngine:
        kept = MnemonMemory(memory=memory, session=session)
        return SimpleChatEngine.from_defaults(llm=Repeating(), memory=kept)

    engine("first").chat("I adopted a grey cat called Miso.")
    assert "Miso" in engine("second").chat("What is my cat called?").response
    assert [one.role for one in engine("first").chat_history] == [USER, ASSISTANT]


def test_the_block_keeps_what_leaves_the_short_term(memory: Memory) -> None:
    block = MnemonMemoryBlock(memory=memory, budget=100)
    own = LlamaMemory.from_defaults(
        session_id="s", token_limit=60, chat_history_token_ratio=0.5, token_flush_size=10,
        memory_blocks=[block], tokenizer_fn=str.split,
    )  # fmt: skip

    async def steps() -> list[ChatMessage]:
        for n in range(6):
            said = f"Fact {n}: the colour of door {n} is number {n * 11} of the palette"
            await own.aput(ChatMessage(role=USER, content=said))
            await own.aput(ChatMessage(role=ASSISTANT, content="Noted."))
        try:
            return await own.aget(input="What is the colour of door 0?")
        finally:
            await own.sql_store._async_engine.dispose()

    shown = asyncio.run(steps())
    kept = memory.list(session="s")
    assert kept and kept[0].content.startswith("Fact 0") and kept[0].speaker == "user"
    assert shown[0].role == MessageRole.SYSTEM and "door 0 is number 0" in shown[0].content
    assert "session_id" not in kept[0].metadata["item"]


def test_the_block_alone(memory: Memory) -> None:
    block = MnemonMemoryBlock(memory=memory)

    async def steps() -> None:
        assert await block.aget([]) == "" == await block.aget(MESSAGES[2:4])
        await block.aput(MESSAGES[:1])
        assert "Miso" in await block.aget([ChatMessage(role=USER, content="my cat?")])

    asyncio.run(steps())
