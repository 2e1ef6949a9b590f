"""The guides: their Python runs, and prints what they say it prints."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from mnemon import Memory

from .scripted import Asked, Call, Model

GUIDES = Path(__file__).parents[2] / "docs" / "integrations"
_BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.S | re.M)


def shown(asked: Asked) -> str:
    return "\n".join([asked.system, *(text for _, text in asked.messages)])


def answering(asked: Asked) -> str:
    """Answers from what it is shown, if that is more than the question."""
    if "adopted a grey cat" in asked.messages[-1][1] and "What is my cat" not in shown(asked):
        return "Nice."
    return "Your cat is called Miso." if "called Miso" in shown(asked) else "I do not know."


def reasoning(asked: Asked) -> str:
    return f"Thought: I can answer without using any more tools.\nAnswer: {answering(asked)}"


def looking(asked: Asked) -> str | Call:
    """Asks its memory where it has a tool to."""
    if asked.system.startswith("Look") and asked.last[0] == "user":
        return Call("recall", {"query": asked.last[1]})
    return answering(asked)


def deciding(asked: Asked) -> str | Call:
    """Searches before it answers, and adds what it is told."""
    role, text = asked.last
    if text.startswith("Known:"):
        return "Ines." if "called Ines" in text else "?"
    if role == "tool":
        return "I will remember that." if "Remembered" in text else "Ines." * ("Ines" in text)
    if text.endswith("?"):
        return Call("search_memory", {"query": text})
    return Call("add_memory", {"content": "The user's daughter is called Ines."})


def noting(asked: Asked) -> str | Call:
    """Looks into its files first, as Claude does."""
    role, text = asked.last
    if role == "user":
        return Call("memory", {"command": "view", "path": "/memories"})
    if "files and directories" in text:
        note = {"path": "/memories/ana.md"}
        if "ana.md" in text:
            return Call("memory", {"command": "view", **note})
        return Call("memory", {"command": "create", **note, "file_text": "Ana prefers tea."})
    return "Tea, as you prefer." if "prefers tea" in text else "I made a note of it."


SCRIPTS = {
    "langgraph": answering,
    "langchain": deciding,
    "llama-index": reasoning,
    "anthropic-memory-tool": noting,
    "openai-agents": looking,
}


def steps(guide: str) -> Iterator[tuple[str, str]]:
    """(Python, what it prints) of a guide's blocks."""
    blocks = _BLOCK.findall((GUIDES / f"{guide}.md").read_text("utf-8"))
    for i, (language, text) in enumerate(blocks):
        if language == "python":
            following = blocks[i + 1] if i + 1 < len(blocks) else ("", "")
            yield text, following[1] if following[0] == "text" else ""


# LlamaIndex's agents use what pydantic and LlamaIndex's own workflows deprecate.
@pytest.mark.filterwarnings(
    r"ignore:The `\w+` (attribute|method) is deprecated:pydantic.PydanticDeprecatedSince20",
    r"ignore:Accessing the '\w+' attribute on the instance:pydantic.PydanticDeprecatedSince211",
    "ignore:is_running called from within a step:DeprecationWarning",
)
@pytest.mark.parametrize("guide", SCRIPTS)
def test_a_guide_does_what_it_says(
    guide: str, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model.script = SCRIPTS[guide]
    names: dict[str, object] = {"__name__": "guide"}
    for code, printed in steps(guide):
        told = io.StringIO()
        with redirect_stdout(told):
            exec(compile(code, f"{guide}.md", "exec", dont_inherit=True), names)
        assert told.getvalue() == printed, model.asked[-1]
    memory = names["memory"]
    assert isinstance(memory, Memory) and memory.count() > 0
    memory.close()


UNRUN = {"vllm"}  # its engine needs a GPU


def test_every_guide_is_run_and_listed() -> None:
    pages = {page.stem for page in GUIDES.glob("*.md")} - {"README"}
    assert pages == {*SCRIPTS, *UNRUN}
    index = (GUIDES / "README.md").read_text("utf-8")
    assert all(f"({page}.md)" in index for page in pages)


def test_the_index_tells_the_versions_that_are_pinned() -> None:
    pins = (GUIDES.parents[1] / "constraints.txt").read_text("utf-8")
    index = (GUIDES / "README.md").read_text("utf-8")
    tested = re.findall(r"\| ([a-z-]+) (\d[\d.]+) \|$", index, re.M)
    assert len(tested) == len(SCRIPTS)
    assert all(f"\n{name}=={version}\n" in pins for name, version in tested)
