from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mnemon import Memory
from mnemon.errors import InvalidInput

from .later import Later
from .scripted import Asked, Call, Model

if TYPE_CHECKING:
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.messages import BaseMessage

said, runnables = Later("langchain_core.messages"), Later("langchain_core.runnables")
ours = Later("mnemon.integrations.langchain")

CALL = {"name": "weather", "args": {"city": "Lisbon"}, "id": "c1", "type": "tool_call"}


@pytest.fixture(scope="module")
def messages() -> list[BaseMessage]:
    return [
        said.SystemMessage("Be kind."),
        said.HumanMessage("I adopted a grey cat called Miso.", id="h1", name="Ana"),
        said.AIMessage("", tool_calls=[CALL]),
        said.ToolMessage("sunny", tool_call_id="c1", artifact={"raw": [1, 2]}),
        said.AIMessage(
            [{"type": "text", "text": "Welcome, Miso!"}, {"type": "image_url", "image_url": "x"}],
            response_metadata={"tokens": 3},
        ),
        said.HumanMessage("same"),
        said.HumanMessage("same"),
    ]


def scripted() -> Any:
    """OpenAI's model, imported by who asks it: collecting these tests need not wait for it."""
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="scripted", max_retries=0)


def seed(memory: Memory) -> None:
    memory.add("Ana moved to Lisbon in March.", speaker="Ana", session="s", at="2025-03-09")
    memory.add("The cat is called Miso.", kind="fact", metadata={"sure": True})
    memory.add("Bob cooks pasta.", namespace=f"{memory.namespace}/bob")


def test_the_retriever_gives_documents(memory: Memory) -> None:
    seed(memory)
    retriever = ours.MnemonRetriever(memory=memory, k=2)
    found = retriever.invoke("Where did Ana move?")
    document = Later("langchain_core.documents").Document
    assert all(isinstance(one, document) for one in found) and len(found) <= 2
    first = found[0]
    assert first.page_content == "Ana moved to Lisbon in March."
    assert memory.get(first.id).content == first.page_content
    assert first.metadata["speaker"] == "Ana" and first.metadata["session"] == "s"
    assert first.metadata["at"] == "2025-03-09T00:00:00+00:00" and 0 < first.metadata["score"] <= 1
    assert [one.id for one in asyncio.run(retriever.ainvoke("Where did Ana move?"))] == [
        one.id for one in found
    ]
    assert [len(got) for got in retriever.batch(["Ana", "Miso"])] == [2, 2]


def test_the_retriever_keeps_to_what_it_was_given(memory: Memory) -> None:
    seed(memory)
    (fact,) = ours.MnemonRetriever(memory=memory, kind="fact").invoke("Ana Miso pasta")
    assert fact.metadata["metadata"] == {"sure": True}
    below = ours.MnemonRetriever(memory=memory, namespace=f"{memory.namespace}/bob")
    assert [one.page_content for one in below.invoke("Ana Miso")] == ["Bob cooks pasta."]
    assert ours.MnemonRetriever(memory=memory, speaker="Zoe").invoke("Ana") == []
    assert ours.MnemonRetriever(memory=memory, min_score=0.3).invoke("interest rates") == []


def test_the_history_keeps_messages_in_order_and_unchanged(
    memory: Memory, messages: list[BaseMessage]
) -> None:
    history: BaseChatMessageHistory = ours.MnemonChatMessageHistory(memory, "s")
    assert history.messages == []
    history.add_messages(messages[:2])
    history.add_messages(messages[2:])
    assert history.messages == messages
    assert ours.MnemonChatMessageHistory(memory, "s").messages == messages
    assert ours.MnemonChatMessageHistory(memory, "other").messages == []
    history.add_user_message("Hello")
    history.add_ai_message("Hi")
    assert [one.content for one in history.messages[-2:]] == ["Hello", "Hi"]
    history.clear()
    assert history.messages == [] and memory.count() == 0


def test_the_history_can_be_set_as_chains_do(memory: Memory, messages: list[BaseMessage]) -> None:
    history = ours.MnemonChatMessageHistory(memory, "s")
    history.add_messages(messages)
    history.messages = messages[:2]
    assert history.messages == messages[:2]


def test_the_history_without_blocking(memory: Memory, messages: list[BaseMessage]) -> None:
    async def steps() -> None:
        history = ours.MnemonChatMessageHistory(memory, "s")
        await history.aadd_messages(messages)
        assert await history.aget_messages() == messages
        await history.aclear()
        assert await history.aget_messages() == []

    asyncio.run(steps())


def test_what_was_said_can_be_searched(memory: Memory, messages: list[BaseMessage]) -> None:
    history = ours.MnemonChatMessageHistory(memory, "s", user="Bob", assistant="Helper")
    history.add_messages(messages)
    spoken = [(cube.speaker, cube.content) for cube in memory.list(kind="episode")]
    assert spoken == [
        ("Ana", "I adopted a grey cat called Miso."), ("Helper", "Welcome, Miso!"),
        ("Bob", "same"), ("Bob", "same"),
    ]  # fmt: skip
    assert [cube.content for cube in memory.list(kind="step")] == ["Be kind.", "(no text)", "sunny"]


def test_a_message_that_is_no_json_is_refused(memory: Memory, messages: list[BaseMessage]) -> None:
    history = ours.MnemonChatMessageHistory(memory, "s")
    with pytest.raises(InvalidInput, match="JSON"):
        history.add_messages(
            [messages[0], said.HumanMessage("x", additional_kwargs={"a": object()})]
        )
    assert history.messages == []


def test_the_tools_search_and_add(memory: Memory) -> None:
    search, add = ours.memory_tools(memory, speaker="Ana")
    assert (search.name, add.name) == ("search_memory", "add_memory")
    assert search.invoke({"query": "cat"}) == "Nothing is remembered about that."
    told = add.invoke({"content": "The cat is called Miso."})
    (cube,) = memory.list(kind="fact", speaker="Ana")
    assert told == f"Remembered as {cube.id}."
    assert "The cat is called Miso." in search.invoke({"query": "What is the cat called?"})
    assert "Miso" in asyncio.run(search.ainvoke({"query": "the cat"}))
    assert set(search.args) == {"query"} and "question" in search.args["query"]["description"]


def test_a_chain_answers_from_the_memory(memory: Memory, model: Model) -> None:
    seed(memory)
    model.script = lambda asked: "Lisbon" if "moved to Lisbon" in asked.last[1] else "?"
    prompt = Later("langchain_core.prompts").ChatPromptTemplate.from_template(
        "{context}\n\n{question}"
    )
    retriever = ours.MnemonRetriever(memory=memory, k=1)
    texts = runnables.RunnableLambda(lambda found: "\n".join(one.page_content for one in found))
    given = {"context": retriever | texts, "question": runnables.RunnablePassthrough()}
    chain = given | prompt | scripted()
    assert chain.invoke("Where does Ana live?").content == "Lisbon"


def test_a_model_calls_the_tools(memory: Memory, model: Model) -> None:
    def script(asked: Asked) -> str | Call:
        return Call("add_memory", {"content": "Ana prefers tea."})

    model.script = script
    tools = {tool.name: tool for tool in ours.memory_tools(memory)}
    bound = scripted().bind_tools(list(tools.values()))
    (call,) = bound.invoke("I prefer tea.").tool_calls
    answer = tools[call["name"]].invoke(call)
    assert isinstance(answer, said.ToolMessage) and memory.list()[0].content == "Ana prefers tea."
