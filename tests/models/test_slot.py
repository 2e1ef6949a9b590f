"""The contract of the slot `models.embed`: one table row for each method."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from mnemon import methods
from mnemon.errors import MissingExtra

# name, the module it needs and the extra that brings it (None: part of mnemon)
EXTRAS = {
    "context": None,
    "fastembed": ("fastembed", "fastembed"),
    "minilm": ("huggingface_hub", "encoders"),
    "mpnet": ("huggingface_hub", "encoders"),
    "openai": ("openai", "openai"),
    "sentence-transformers": ("sentence_transformers", "sentence-transformers"),
    "static": None,
}


def test_every_method_has_a_row():
    assert methods.names("models.embed") == sorted(EXTRAS)


@pytest.mark.parametrize("name", EXTRAS)
def test_options_survive_json(name):
    method = methods.load("models.embed", name)
    again = methods.load("models.embed", name, **json.loads(json.dumps(asdict(method))))
    assert again == method


@pytest.mark.parametrize("name", EXTRAS)
def test_instances_never_change(name):
    method = methods.load("models.embed", name)
    with pytest.raises(FrozenInstanceError):
        setattr(method, fields(method)[0].name, "other")


@pytest.mark.parametrize("name", [name for name, module in EXTRAS.items() if module])
def test_a_missing_package_is_named_with_its_pip_line(name, monkeypatch):
    module, extra = EXTRAS[name]
    monkeypatch.setitem(sys.modules, module, None)
    options = {"base_url": "http://127.0.0.1:9/v1"} if name == "openai" else {}
    with pytest.raises(MissingExtra) as caught:
        methods.load("models.embed", name, **options).embed(["hello"])
    assert f"pip install 'mnemon[{extra}]'" in str(caught.value)
    assert isinstance(caught.value, ImportError)


@pytest.mark.parametrize("name", ["", *EXTRAS])
def test_importing_a_method_imports_nothing_heavy(name):
    module = f"mnemon.models.embed.{name.replace('-', '_')}".rstrip(".")
    heavy = ["numpy", "tokenizers", "openai", "torch", "sentence_transformers", "fastembed"]
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
