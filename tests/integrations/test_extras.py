from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from mnemon.errors import MissingExtra

FRAMEWORKS = {
    "langgraph": ("langgraph", "langgraph"),
    "langchain": ("langchain_core", "langchain"),
    "llama_index": ("llama_index", "llama-index"),
    "anthropic": ("anthropic", "anthropic"),
    "openai_agents": ("agents", "openai-agents"),
    "vllm": ("vllm", "vllm"),
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_missing_framework_says_how_to_install_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, extra = FRAMEWORKS[name]
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, f"mnemon.integrations.{name}", raising=False)
    with pytest.raises(MissingExtra, match=rf"pip install 'mnemon\[{extra}\]'"):
        importlib.import_module(f"mnemon.integrations.{name}")


def test_mnemon_itself_knows_no_framework() -> None:
    code = (
        "import sys, mnemon, mnemon.memory, mnemon.cli, mnemon.integrations; "
        f"print([name for name in {[module for module, _ in FRAMEWORKS.values()]} "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
