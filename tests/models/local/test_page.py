"""The examples of docs/runtime.md run, and print what the page says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "runtime.md"


def test_the_examples_print_what_the_page_says(tmp_path, monkeypatch, capsys):
    page = PAGE.read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    known: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        if "Qwen" not in block:  # that one is downloaded
            exec(block, known)
    printed = capsys.readouterr().out.splitlines()
    printed[2:3] = printed[2].rsplit("|", 1)
    assert len(printed) == 8
    assert [line for line in printed if line not in page] == []
    known["memory"].close()
