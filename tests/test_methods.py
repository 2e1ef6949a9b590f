"""Finding methods by folder, by entry point, and not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mnemon import methods
from mnemon.errors import UnknownName


def test_a_slot_lists_its_files_without_importing_them() -> None:
    code = (
        "import sys; from mnemon import methods; print('expire' in methods.names('text.maintain'),"
        " 'mnemon.text.maintain.expire' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.parametrize("wrong", ["wrods", "word", "nothing-like-it"])
def test_an_unknown_method_lists_the_nearest(wrong: str) -> None:
    with pytest.raises(UnknownName, match="'words'"):
        methods.load("text.retrieve", wrong)


def test_an_unknown_slot_lists_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"text\.retrieve"):
        methods.names("text.retreive")


def test_an_unknown_option_lists_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'asking'"):
        methods.load("text.retrieve", "words", asks=1)


def test_a_module_is_no_slot() -> None:
    with pytest.raises(UnknownName, match="not a slot"):
        methods.names("memory")


def test_a_strangers_method_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stranger.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Loud:\n"
        "    volume: int = 11\n"
    )
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mnemon.text.retrieve]\nloud = stranger:Loud\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "loud" in methods.names("text.retrieve")
    loud = methods.load("text.retrieve", "loud", volume=3)
    assert loud.volume == 3
    told = {"slot": "text.retrieve", "name": "loud", "version": 1, "options": {"volume": 3}}
    assert methods.describe(loud) == told


def test_a_new_file_is_a_new_method(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import mnemon.text.maintain as slot

    (tmp_path / "do_nothing.py").write_text(
        "from dataclasses import dataclass\n"
        "__all__ = ['DoNothing']\n"
        "@dataclass(frozen=True)\n"
        "class DoNothing:\n"
        "    def maintain(self, memory, namespace, now):\n"
        "        return []\n"
    )
    monkeypatch.setattr(slot, "__path__", [*slot.__path__, str(tmp_path)])
    assert "do-nothing" in methods.names("text.maintain")
    assert methods.load("text.maintain", "do-nothing").maintain(None, "", None) == []


def test_without_torch_kv_methods_are_listed_and_say_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from mnemon import methods, errors\n"
        "assert 'snapkv' in methods.names('kv.score')\n"
        "try: methods.find('kv.score', 'snapkv')\n"
        "except errors.MissingExtra as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'mnemon[kv]'" in done.stdout
