from __future__ import annotations

from tests.weights.facts import FACTS, asked

from mnemon import Memory
from mnemon.cubes import migrate
from mnemon.weights import Reader, consolidate


def test_an_adapter_answers_where_its_facts_were_migrated(memory, loaded, tmp_path) -> None:
    with Memory(tmp_path / "there.db", namespace="ana") as there:
        done = migrate(memory, there)
        assert done.report.artifacts == len(memory.artifacts.list("adapter")) > 1
        assert not consolidate(there, *loaded).trained
        name = next(iter(FACTS))
        with Reader(there, *loaded) as reader:
            told = reader.answer(asked(name))
        assert told.text == FACTS[name] and told.adapter is not None
        cube = next(one for one in there.list() if name in one.content)
        there.forget(cube.id, purge=True)
        with Reader(there, *loaded) as reader:
            assert reader.answer(asked(name)).adapter is None
