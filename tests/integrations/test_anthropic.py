"""The memory tool: one suite over the SDK's own backend, which writes files, and ours.

The SDK takes seconds to import: only who runs these tests does, not who collects them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.errors import NotFound

from .scripted import Asked, Call, Model

Do = Callable[..., str]
NOTES = "/memories/notes.txt"


def ours(memory: Memory) -> Any:
    from mnemon.integrations.anthropic import MnemonMemoryTool

    return MnemonMemoryTool(memory)


def theirs(folder: Path) -> Any:
    from anthropic.tools import BetaLocalFilesystemMemoryTool

    return BetaLocalFilesystemMemoryTool(str(folder))


def doing(tool: Any) -> Do:
    """Calls a tool as the SDK does with what a model asked for; refusals as `! message`."""
    from anthropic.lib.tools import ToolError

    def do(command: str, **given: Any) -> str:
        try:
            return str(tool.call({"command": command, **given}))
        except ToolError as error:
            return f"! {error.content}"

    return do


@pytest.fixture(params=["filesystem", "file", "server"])
def do(request: pytest.FixtureRequest, opened: Callable[[str], Memory], tmp_path: Path) -> Do:
    if request.param == "filesystem":
        return doing(theirs(tmp_path))
    return doing(ours(opened(request.param)))


def created(do: Do, path: str = NOTES, text: str = "a\nb\nc\n") -> None:
    assert do("create", path=path, file_text=text) == f"File created successfully at: {path}"


def test_create_and_view(do: Do) -> None:
    created(do)
    assert do("view", path=NOTES) == (
        "Here's the content of /memories/notes.txt with line numbers:\n"
        "     1\ta\n     2\tb\n     3\tc\n     4\t"
    )
    assert do("create", path=NOTES, file_text="x") == f"! File {NOTES} already exists"
    created(do, "/memories/empty.md", "")
    assert do("view", path="/memories/empty.md").endswith("line numbers:\n     1\t")
    missing = "! The path /memories/no does not exist. Please provide a valid path."
    assert do("view", path="/memories/no") == missing


RANGES = [
    ([2, 3], "23"),
    ([2, -1], "234"),
    ([0, 1], "1"),
    ([-5, 2], "12"),
    ([3, 99], "34"),
    ([9, 9], ""),
]


def test_view_a_range(do: Do) -> None:
    created(do)
    for lines, numbers in RANGES:
        shown = do("view", path=NOTES, view_range=lines).split("\n")[1:]
        assert [line.split("\t")[0].strip() for line in shown if line] == list(numbers), lines


def test_str_replace(do: Do) -> None:
    created(do, text="one\ntwo\nthree\nfour\nfive\nsix\n")
    assert do("str_replace", path=NOTES, old_str="four", new_str="4\n4.5") == (
        "The memory file has been edited. Here is the snippet showing the change "
        "(with line numbers):\n     2\ttwo\n     3\tthree\n     4\t4\n     5\t4.5\n     6\tfive"
    )
    assert do("str_replace", path=NOTES, old_str="seven", new_str="7") == (
        "! No replacement was performed, old_str `seven` did not appear verbatim in "
        "/memories/notes.txt."
    )
    created(do, "/memories/twice", "aXa\nb\naa")
    assert do("str_replace", path="/memories/twice", old_str="a", new_str="") == (
        "! No replacement was performed. Multiple occurrences of old_str `a` in lines: 1, 1, 3, 3. "
        "Please ensure it is unique"
    )
    missing = "! The path /memories/no does not exist. Please provide a valid path."
    assert do("str_replace", path="/memories/no", old_str="a", new_str="") == missing
    assert do("str_replace", path="/memories", old_str="a", new_str="") == (
        "! The path /memories is not a file."
    )


INSERTS = [(0, "x", "x\na\nb\n"), (1, "x\n", "a\nx\nb\n"), (2, "x\ny\n\n", "a\nb\nx\ny\n")]


def test_insert(do: Do) -> None:
    for n, (line, text, result) in enumerate(INSERTS):
        path = f"/memories/{n}"
        created(do, path, "a\nb\n")
        told = do("insert", path=path, insert_line=line, insert_text=text)
        assert told == f"The file {path} has been edited."
        shown = [row.split("\t")[1] for row in do("view", path=path).split("\n")[1:]]
        assert "\n".join(shown) == result


def test_insert_out_of_range(do: Do) -> None:
    created(do, text="a\nb\n")
    for line in (-1, 3):
        assert do("insert", path=NOTES, insert_line=line, insert_text="x") == (
            f"! Invalid `insert_line` parameter: {line}. It should be within the range [0, 2]."
        )
    missing = "! The path /memories/no does not exist. Please provide a valid path."
    assert do("insert", path="/memories/no", insert_line=0, insert_text="x") == missing


def test_delete(do: Do) -> None:
    created(do)
    created(do, "/memories/folder/deep/one.txt")
    created(do, "/memories/folder/two.txt")
    created(do, "/memories/folder-beside")
    assert do("delete", path=NOTES) == f"Successfully deleted {NOTES}"
    assert do("delete", path=NOTES) == f"! The path {NOTES} does not exist"
    assert do("delete", path="/memories/folder") == "Successfully deleted /memories/folder"
    assert do("view", path="/memories/folder/two.txt").startswith("! The path")
    assert do("view", path="/memories/folder-beside").startswith("Here's")
    assert do("delete", path="/memories") == "! Cannot delete the /memories directory itself"
    created(do)


def test_rename(do: Do) -> None:
    created(do)
    created(do, "/memories/folder/one.txt", "1")
    told = do("rename", old_path=NOTES, new_path="/memories/a/b/new.txt")
    assert told == f"Successfully renamed {NOTES} to /memories/a/b/new.txt"
    assert do("view", path=NOTES).startswith("! The path")
    assert "     2\tb" in do("view", path="/memories/a/b/new.txt")
    created(do)
    assert do("rename", old_path="/memories/folder", new_path="/memories/a/c").startswith("Succ")
    assert do("view", path="/memories/a/c/one.txt").endswith("     1\t1")
    assert do("rename", old_path=NOTES, new_path="/memories/a") == (
        "! The destination /memories/a already exists"
    )
    assert do("rename", old_path="/memories/no", new_path="/memories/x") == (
        "! The path /memories/no does not exist"
    )
    assert do("rename", old_path="/memories", new_path="/memories/x") == (
        "! Cannot rename the /memories directory itself"
    )


def test_the_list_of_a_folder(do: Do) -> None:
    created(do, "/memories/b.txt", "x" * 1536)
    created(do, "/memories/a/z/deeper/no.txt", "not shown")
    created(do, "/memories/a/one.md", "é")
    created(do, "/memories/.hidden", "not shown")
    created(do, "/memories/a/.hidden/x", "not shown")
    rows = do("view", path="/memories").split("\n")
    assert rows[0] == (
        "Here're the files and directories up to 2 levels deep in /memories, "
        "excluding hidden items:"
    )
    assert [row.split("\t")[1] for row in rows[1:]] == [
        "/memories", "/memories/a/", "/memories/a/one.md", "/memories/a/z/", "/memories/b.txt"
    ]  # fmt: skip
    assert rows[5] == "1.5K\t/memories/b.txt" and rows[3] == "2B\t/memories/a/one.md"
    below = do("view", path="/memories/a").split("\n")[2:]
    assert [row.split("\t")[1] for row in below] == [
        "/memories/a/one.md", "/memories/a/z/", "/memories/a/z/deeper/"
    ]  # fmt: skip


OUTSIDE = [
    "/memories/../etc/passwd",
    "/memories/a/../../x",
    "/memories/..",
    "/etc/passwd",
    "memories/x",
    "",
    "../memories",
    "/memories/x/../../memories2/y",
]


def test_leaving_the_memories_is_refused(do: Do) -> None:
    created(do)
    for path in OUTSIDE:
        for command, more in [
            ("view", {}), ("create", {"file_text": "x"}), ("delete", {}),
            ("str_replace", {"old_str": "a", "new_str": "b"}),
            ("insert", {"insert_line": 0, "insert_text": "x"}),
        ]:  # fmt: skip
            assert do(command, path=path, **more).startswith("! Path"), (command, path)
        assert do("rename", old_path=NOTES, new_path=path).startswith("! Path"), path
        assert do("rename", old_path=path, new_path="/memories/stolen").startswith("! Path"), path


@pytest.mark.parametrize(
    "path", ["/memoriesx", "/memories/../memories/x", "/memories/a\x00b", "/memories/a\nb",
             "/memories/..\\x", "/memories/\ud800"],
)  # fmt: skip
def test_paths_that_only_we_refuse(local: Memory, path: str) -> None:
    told = doing(ours(local))("create", path=path, file_text="x")
    assert told.startswith("! Path") and local.count() == 0


def test_a_path_has_one_normal_form(do: Do) -> None:
    do("create", path="/memories//a/./b/../x.txt", file_text="here")
    assert do("view", path="/memories/a/x.txt").endswith("     1\there")
    assert do("create", path="/memories/a/x.txt", file_text="").startswith("! File")


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\r\n a\r\n", "x\ud83d", "a\n" * 3])
def test_any_text_is_kept_exactly(memory: Memory, text: str) -> None:
    tool = ours(memory)
    doing(tool)("create", path=NOTES, file_text=text)
    shown = doing(tool)("view", path=NOTES).partition("\n")[2]
    assert "\n".join(row[7:] for row in shown.split("\n")) == text


def test_edits_of_any_text_do_what_the_files_do(local: Memory, tmp_path: Path) -> None:
    mine, files = doing(ours(local)), doing(theirs(tmp_path))
    words = st.text(st.sampled_from("ab\n é"), max_size=8)
    step = st.one_of(
        st.tuples(st.just("create"), words.map(lambda text: {"file_text": text})),
        st.tuples(st.just("str_replace"), st.builds(
            lambda old, new: {"old_str": old, "new_str": new}, words.filter(bool), words)),
        st.tuples(st.just("insert"), st.builds(
            lambda n, text: {"insert_line": n, "insert_text": text}, st.integers(-1, 4), words)),
        st.tuples(st.just("view"), st.just({})),
        st.tuples(st.just("delete"), st.just({})),
    )  # fmt: skip

    @settings(max_examples=25)
    @given(st.lists(st.tuples(st.sampled_from(["/memories/x", "/memories/d/y"]), step), max_size=8))
    def same(steps: list[tuple[str, tuple[str, dict[str, Any]]]]) -> None:
        for path, (command, more) in steps:
            if command == "delete" and path == "/memories/d/y":
                continue  # an emptied folder stays on a disk
            assert mine(command, path=path, **more) == files(command, path=path, **more)
        for path in ("/memories/x", "/memories/d/y"):
            assert mine("view", path=path) == files("view", path=path)

    same()


def test_each_edit_is_a_version_and_can_be_undone(memory: Memory) -> None:
    tool = ours(memory)
    do = doing(tool)
    do("create", path=NOTES, file_text="Ana lives in Lisbon.")
    do("str_replace", path=NOTES, old_str="Lisbon", new_str="Porto")
    do("rename", old_path=NOTES, new_path="/memories/ana.txt")
    told = [
        (old.version, old.content, old.metadata["path"])
        for old in tool.history("/memories/ana.txt")
    ]
    assert told == [
        (1, "Ana lives in Lisbon.", NOTES),
        (2, "Ana lives in Porto.", NOTES),
        (3, "Ana lives in Porto.", "/memories/ana.txt"),
    ]
    tool.restore("/memories/ana.txt", 1)
    assert do("view", path=NOTES).endswith("Ana lives in Lisbon.")
    (cube,) = memory.list()
    do("delete", path=NOTES)
    with pytest.raises(NotFound, match="no file"):
        tool.history(NOTES)
    memory.restore(cube.id)
    assert do("view", path=NOTES).endswith("Ana lives in Lisbon.")


def test_files_are_found_by_meaning_and_can_be_edited_as_cubes(memory: Memory) -> None:
    do = doing(ours(memory))
    do("create", path=NOTES, file_text="Ana adopted a grey cat called Miso.")
    (hit,) = memory.search("What is the kitten called?", k=1)
    assert hit.cube.kind == "file" and hit.cube.namespace == f"{memory.namespace}/memories"
    memory.update(hit.cube.id, "Miso is three.")
    assert do("view", path=NOTES).endswith("     1\tMiso is three.")


def test_a_file_is_no_folder(memory: Memory) -> None:
    do = doing(ours(memory))
    created(do)
    told = do("create", path=f"{NOTES}/below", file_text="x")
    assert told == f"! The path {NOTES} is a file, not a directory"
    created(do, "/memories/a/b")
    assert do("rename", old_path="/memories/a", new_path="/memories/a/b/c").startswith("! Cannot")


def test_clearing_forgets_the_files_only(memory: Memory) -> None:
    tool = ours(memory)
    memory.add("Not a file.")
    created(doing(tool), "/memories/a/b")
    assert tool.clear_all_memory() == "All memory cleared" and memory.count() == 1
    assert doing(tool)("view", path="/memories").endswith("\n0B\t/memories")


def script(asked: Asked) -> str | Call:
    """A model that looks first, writes once, and answers from what it sees."""
    role, text = asked.last
    if role == "user":
        return Call("memory", {"command": "view", "path": "/memories"})
    if "ana.md" in text and "Here're" in text:
        return Call("memory", {"command": "view", "path": "/memories/ana.md"})
    if "Here're" in text:
        note = {"command": "create", "path": "/memories/ana.md", "file_text": "Prefers tea."}
        return Call("memory", note)
    return text


def test_the_tool_runner_uses_it(memory: Memory, model: Model) -> None:
    from anthropic import Anthropic

    model.script = script

    def ask(question: str) -> str:
        with Anthropic(max_retries=0) as client:
            runner = client.beta.messages.tool_runner(
                model="scripted", max_tokens=100, tools=[ours(memory)],
                messages=[{"role": "user", "content": question}],
            )  # fmt: skip
            return str(runner.until_done().content[0].text)

    assert ask("I prefer tea.").startswith("File created successfully")
    assert ask("What do I drink?").endswith("     1\tPrefers tea.")


def test_the_async_tool_is_the_same(memory: Memory, model: Model) -> None:
    from anthropic import AsyncAnthropic
    from anthropic.lib.tools import ToolError

    from mnemon.integrations.anthropic import MnemonAsyncMemoryTool

    model.script = script

    async def ask(question: str) -> str:
        async with AsyncAnthropic(max_retries=0) as client:
            runner = client.beta.messages.tool_runner(
                model="scripted", max_tokens=100, tools=[MnemonAsyncMemoryTool(memory)],
                messages=[{"role": "user", "content": question}],
            )  # fmt: skip
            return str((await runner.until_done()).content[0].text)

    async def steps() -> None:
        assert (await ask("I prefer tea.")).startswith("File created successfully")
        assert (await ask("What do I drink?")).endswith("     1\tPrefers tea.")
        tool = MnemonAsyncMemoryTool(memory)
        here = "/memories/ana.md"
        for command, more in [
            ("str_replace", {"path": here, "old_str": "tea", "new_str": "coffee"}),
            ("insert", {"path": here, "insert_line": 1, "insert_text": "At eight."}),
            ("rename", {"old_path": here, "new_path": "/memories/b"}),
            ("delete", {"path": "/memories/b"}),
        ]:
            assert "ed" in str(await tool.call({"command": command, **more}))
        with pytest.raises(ToolError, match="escape"):
            await tool.call({"command": "view", "path": "/memories/../x"})
        assert await tool.clear_all_memory() == "All memory cleared"

    asyncio.run(steps())
