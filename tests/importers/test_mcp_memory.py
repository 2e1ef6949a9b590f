from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import Malformed

Read = Callable[..., tuple[list[Draft], list[Malformed]]]
Write = Callable[[str, Any], Path]


def test_the_graph_becomes_entities_and_facts(data: Path, read: Read) -> None:
    drafts, _ = read("mcp-memory", data / "mcp-memory" / "memory.jsonl")
    assert [(draft.kind, draft.content) for draft in drafts] == [
        ("entity", "Ana (person)"),
        ("fact", "Lives in Lima"),
        ("fact", "Allergic to walnuts"),
        ("entity", "Acme (company)"),
        ("fact", "Ana works at Acme"),
        ("fact", "Ana knows Nobody"),
    ]


def test_facts_are_about_the_entities_there_are(data: Path, read: Read) -> None:
    drafts, _ = read("mcp-memory", data / "mcp-memory" / "memory.jsonl")
    ana, acme = drafts[0].key, drafts[3].key
    assert drafts[1].links == (("about", ana),)
    assert drafts[4].links == (("about", ana), ("about", acme))
    assert drafts[5].links == (("about", ana),), "Nobody is no entity of the file"


def test_broken_lines_are_told_and_the_rest_kept(read: Read, write: Write) -> None:
    lines = [
        '{"type": "entity", "name": "Ana", "entityType": "person", "observations": ["a", 5]}',
        '{"type": "entity", "name": "Bea", "observations": []}',
        '{"type": "relation", "from": "Ana", "relationType": "knows"}',
        '{"type": "thing"}',
        '{"type": "entity", "name": "Cy", "entityType": "person", "observations": "x"}',
        '{"type": "entity", "na',
    ]
    drafts, malformed = read("mcp-memory", write("memory.jsonl", "\n".join(lines)))
    assert [draft.content for draft in drafts] == ["Ana (person)", "a"]
    assert sorted(one.place for one in malformed) == [
        "memory.jsonl:1, observation 2",
        *(f"memory.jsonl:{number}" for number in range(2, 7)),
    ]


def test_a_grown_graph_keeps_the_old_keys(data: Path, read: Read, write: Write) -> None:
    text = (data / "mcp-memory" / "memory.jsonl").read_text()
    before, _ = read("mcp-memory", data / "mcp-memory" / "memory.jsonl")
    grown = text.replace('["Lives', '["Is 30", "Lives')
    after, _ = read("mcp-memory", write("memory.jsonl", grown))
    old = {one.key for one in before}
    assert [one.content for one in after if one.key not in old] == ["Is 30"]
    assert old < {one.key for one in after}


def test_other_lines_are_refused(read: Read, write: Write) -> None:
    with pytest.raises(ImportFailed, match="entityType"):
        read("mcp-memory", write("memory.jsonl", '{"text": "Hello"}'))
