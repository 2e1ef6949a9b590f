"""Any sequence of adding, compiling, consolidating and forgetting: no form tells what is gone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.weights.facts import LONGER, draft

from mnemon import Memory
from mnemon.forgotten import questions, verify
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.models.local import Runtime
from mnemon.weights import consolidate

NAMES = list(LONGER)[:4]
VERBS = ["add", "update", "kv", "weights", "weights", "forget", "forget", "purge", "ask"]
scripts = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 3)), min_size=4, max_size=9)


class Life:
    """A memory in all forms, and what it should tell."""

    def __init__(self, memory, tiers, nano) -> None:
        self.memory, self.tiers, self.nano = memory, tiers, nano
        self.runtime = Runtime(nano, memory, tiers=tiers, weights=True, max_new_tokens=8)
        self.ids: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.gone: set[str] = set()

    def step(self, number: int, verb: str, name: str) -> None:
        value = f"x{number:02x} xf{number % 8} x3{number % 10} xe{number % 5}"
        if verb == "add" and name not in self.ids:
            self.ids[name] = self.memory.add([draft(name, value)])[0].id
            self.values[name] = value
        elif verb == "update" and name in self.ids:
            self.gone.add(self.values[name])
            self.memory.update(self.ids[name], draft(name, value).content)
            self.values[name] = value
        elif verb == "kv":
            self.memory.compile({"kind": "fact"}, self.runtime, to=self.tiers)
        elif verb == "weights":
            consolidate(self.memory, *self.nano)
        elif verb in ("forget", "purge") and name in self.ids:
            self.forget(name, verb == "purge")
        elif verb == "ask":
            self.ask(name)

    def forget(self, name: str, purge: bool) -> None:
        taken = questions(self.memory, [self.ids[name]])
        made = self.memory.artifacts.list(cube=self.ids[name])
        receipt = self.memory.forget(self.ids.pop(name), purge=purge)
        compiled = [n for form, n in receipt.forms.items() if form not in ("text", "vectors")]
        assert len(made) <= receipt.artifacts == sum(compiled)
        self.gone.add(self.values.pop(name))
        report = verify(self.memory, receipt, taken, self.nano)
        assert report.clean, report

    def ask(self, name: str) -> None:
        reply = self.runtime.session().answer(f"what is the code for {name} ?")
        assert not any(value in reply.text for value in self.gone)
        if reply.trace.form == "weights":
            assert reply.text == self.values[name]
            for id, version in reply.trace.sources:
                assert self.memory.get(id).version == version


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(scripts)
def test_no_form_tells_what_is_gone(nano, script) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Memory(Path(folder) / "store.db", namespace="ana") as memory,
        Tiers(disk=Path(folder) / "kv", costs=CostModel(skips=False)) as tiers,
    ):
        life = Life(memory, tiers, nano)
        for number, name in enumerate(NAMES[:2]):
            life.step(number, "add", name)
        for number, (verb, place) in enumerate(script, 2):
            life.step(number, verb, NAMES[place])
        for number, name in enumerate(NAMES):
            life.step(number, "ask", name)
        assert memory.fsck() == []
