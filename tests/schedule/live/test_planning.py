"""Plans that need no model: expiring, embedding, budgets, tiers."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mnemon import Memory
from mnemon.cube import Draft, Policy
from mnemon.errors import InvalidInput, NotFound
from mnemon.kv.tiers.places import place_of
from mnemon.schedule import Rules, plan
from mnemon.store.rows import Budget

EACH = 10 * 16_388


class Letters:
    """Embeds a text as counts of its letters."""

    model, revision, dimension = "letters", "1", 26

    def embed(self, texts):
        rows = [[text.lower().count(chr(97 + i)) + 0.1 for i in range(26)] for text in texts]
        matrix = np.array(rows, np.float32).reshape(len(texts), 26)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)

    def embed_query(self, text):
        return self.embed([text])[0]


def did(found):
    return [(one.action, one.cube, one.to) for one in found.decisions]


def test_an_unused_memory_has_nothing_to_do(memory, told):
    told("We spoke of the garden.")
    found = plan(memory)
    assert (found.decisions, found.states["new"]) == ((), 1)
    assert any("no model was named" in one for one in found.remarks)
    assert any("defaults" in one for one in found.remarks)


def test_what_a_policy_kept_until_now_expires_and_nothing_else(memory, told):
    stays = told("Nobody ever asks for this.")
    until = datetime.now(UTC) + timedelta(days=2)
    ends = memory.add(Draft("The code of the gate is 77.", policy=Policy(retain_until=until))).id
    assert plan(memory).decisions == ()
    found = plan(memory, at=until)
    assert did(found) == [("expire", ends, "")] and found.states["expired"] == 1
    assert memory.get(ends)  # a plan does nothing
    done = found.apply()
    assert [one.cube for one in done.done] == [ends] and not done.left
    with pytest.raises(NotFound):
        memory.get(ends)
    assert memory.get(stays) and plan(memory, at=until).decisions == ()
    assert memory.log()[-1].verb == "forget"


def test_what_has_faded_expires_only_with_a_floor(memory, told):
    faded, profile = told("A faded thing."), told("Ana is a gardener.", kind="profile")
    read = told("A thing that is read.", reads=50)
    later = datetime.now(UTC) + timedelta(days=9)
    assert plan(memory, at=later).decisions == ()
    found = plan(memory, at=later, rules=Rules(floor=0.01))
    assert did(found) == [("expire", faded, "")]
    assert "below the floor of 0.01" in found.decisions[0].reason
    found.apply()
    assert memory.get(profile) and memory.get(read)


def test_what_is_on_hold_or_not_the_actors_does_not_expire(memory, told):
    held = told("On hold.")
    other = memory.add(Draft("Ben's.", policy=Policy(writers=("ben",)))).id
    memory._store.hold(held)
    later = datetime.now(UTC) + timedelta(days=99)
    assert plan(memory, at=later, rules=Rules(floor=1.0)).decisions == ()
    assert did(plan(memory.acting("ben"), at=later, rules=Rules(floor=1.0))) == [
        ("expire", other, "")
    ]


def test_a_cube_that_changed_after_the_plan_is_left_alone(memory, told):
    id = told("A thing.")
    found = plan(memory, at=datetime.now(UTC) + timedelta(days=9), rules=Rules(floor=0.5))
    memory.update(id, "Another thing.")
    done = found.apply()
    assert not done.done and done.left[0][0].cube == id
    assert memory.get(id).content == "Another thing."


def test_vectors_of_another_space_are_made_again(memory, told):
    told("We spoke of the garden.")
    wanted = Letters()
    found = plan(memory, embedder=wanted)
    (one,) = found.decisions
    assert (one.action, one.form, one.cube) == ("re-embed", "embedding", "")
    assert "1 to embed" in one.reason and one.costs > 0
    assert found.apply().left == ()
    assert plan(memory, embedder=wanted).decisions == ()
    assert memory.search("garden")


def test_over_a_budget_what_saves_least_a_byte_is_dropped_and_then_nothing(memory, told, kept):
    ids = [told(f"Thing {n} is here.", reads=reads) for n, reads in enumerate((9, 1, 5))]
    keys = [kept(id) for id in ids]
    assert plan(memory).decisions == ()
    budget = {"kv": 2 * EACH + 5}
    found = plan(memory, budgets=budget)
    assert did(found) == [("drop", ids[1], "")]
    assert (found.held["kv"], found.after["kv"]) == (3 * EACH, 2 * EACH)
    assert "the budget is full" in found.decisions[0].reason
    assert found.apply().left == ()
    assert plan(memory, budgets=budget).decisions == ()
    assert [one.key for one in memory.artifacts.list()] == [keys[0], keys[2]]
    assert place_of(f"{memory.path}-kv").size(keys[1]) is None
    assert memory.log()[-1].verb == "drop" and memory.get(ids[1])


def test_stored_budgets_of_a_tenant_count_for_all_below_it(memory, told, kept):
    id = told("Thing.", reads=3)
    kept(id)
    memory._store.set_budgets([Budget("acme", "kv", EACH + 5)])
    assert plan(memory).decisions == ()
    with Memory(memory.path, namespace="acme/ben") as ben:
        other = ben.add("Ben's thing.")
        ben._store.count_reads({other.id: 1})
    beside = Memory(memory.path, namespace="acme/ben")
    assert [one.bytes for one in plan(beside).budgets] == [EACH + 5]
    beside.close()
    memory._store.set_budgets([Budget("acme", "kv", EACH - 5)])
    assert did(plan(memory)) == [("drop", id, "")]


def test_budgets_that_lie_in_the_file_go_to_the_store_which_knows_better(memory):
    file = Path(f"{memory.path}-schedule.json")
    old = {"acme": {"kv": 5, "adapter": 6}, "acme/ben": {"kv": 7}}
    file.write_text(json.dumps({"budgets": old, "moved": {"kv:x": "2026-01-01T00:00:00+00:00"}}))
    memory._store.set_budgets([Budget("acme", "kv", 1)])
    plan(memory)
    found = [Budget("acme", "adapter", 6), Budget("acme", "kv", 1), Budget("acme/ben", "kv", 7)]
    assert memory._store.budgets() == found
    assert list(json.loads(file.read_text())) == ["moved"]
    memory._store.remove_budgets("acme/ben")
    plan(memory)
    assert memory._store.budgets() == found[:2]


def test_a_namespace_with_its_own_budget_is_left_to_itself(memory, told, kept):
    told("Thing.", reads=3)
    inner = memory.add("Inner.", namespace="acme/ana/inner").id
    memory._store.count_reads({inner: 9})
    memory._store.set_budgets([Budget("acme/ana/inner", "kv", 0)])
    assert plan(memory).states["hot"] == 1


def test_what_is_stale_is_dropped(memory, told, kept):
    id = told("Thing.", reads=3)
    key = kept(id)
    memory.update(id, "Another thing.")
    (one,) = plan(memory).decisions
    assert (one.action, one.key) == ("drop", key) and "changed" in one.reason
    plan(memory).apply()
    assert memory.artifacts.list() == [] and plan(memory).decisions == ()


def test_a_full_disk_hands_down_and_an_empty_one_takes_up_again(memory, told, kept, tmp_path):
    remote = f"memory://kv{tmp_path.name}"
    ids = [told(f"Thing {n} is here.", reads=reads) for n, reads in enumerate((90, 1))]
    keys = [kept(id) for id in ids]
    small, rules = {"kv.disk": EACH + 5}, Rules(horizon=5)
    found = plan(memory, remote=remote, budgets=small, rules=rules)
    assert did(found) == [("demote", ids[1], "remote")]
    assert found.after["kv"] == 2 * EACH and found.apply().left == ()
    assert place_of(remote).size(keys[1]) == 100
    assert place_of(f"{memory.path}-kv").size(keys[1]) is None
    assert plan(memory, remote=remote, budgets=small, rules=rules).decisions == ()
    # Moved a short while ago, it stays where it is although there is room now.
    assert plan(memory, remote=remote, rules=rules).decisions == ()
    up = plan(memory, remote=remote, rules=Rules(horizon=5, rest=0))
    assert did(up) == [("promote", ids[1], "disk")] and up.decisions[0].saves > 0
    assert up.apply().left == ()
    assert plan(memory, remote=remote, rules=rules).decisions == ()
    assert place_of(f"{memory.path}-kv").size(keys[1]) == 100


def test_what_was_moved_is_forgotten_where_it_lies_now(memory, told, kept, tmp_path):
    remote = f"memory://kv{tmp_path.name}"
    ids = [told(f"Thing {n} is here.", reads=reads) for n, reads in enumerate((90, 10))]
    keys = [kept(id) for id in ids]
    found = plan(memory, remote=remote, budgets={"kv.disk": EACH})
    assert found.apply().left == () and place_of(remote).size(keys[1]) == 100
    assert memory.forget(ids[1], purge=True).blobs == 1
    assert place_of(remote).size(keys[1]) is None
    # What is forgotten between plan and move does not come back.
    later = plan(memory, remote=remote, budgets={"kv.disk": 0})
    memory.forget(ids[0], purge=True)
    assert [why for _, why in later.apply().left] == ["it did not come to remote"]
    assert place_of(remote).sizes() == {}


def test_alternating_use_moves_nothing_to_and_fro(memory, told, kept, tmp_path):
    remote, small = f"memory://kv{tmp_path.name}", {"kv.disk": EACH + 5}
    ids = [told(f"Thing {n} is here.", reads=20) for n in range(2)]
    for id in ids:
        kept(id)
    now, moves = datetime.now(UTC), 0
    for turn in range(12):
        memory._store.count_reads({ids[turn % 2]: 4})
        found = plan(memory, remote=remote, budgets=small, at=now + timedelta(hours=6 * turn))
        moves += len(found.apply().done)
    assert moves == 1  # the disk has room for one of them: the other went down once


def test_what_lies_where_nobody_can_look_is_not_touched(memory, told, kept):
    id = told("Thing.", reads=3)
    memory._store.add_place("/somewhere/else", "another-host", "mark")
    key = kept(id)
    place_of(f"{memory.path}-kv").delete([key])
    found = plan(memory, budgets={"kv": 1})
    assert found.decisions == () and found.held["kv"] == EACH
    assert any("cannot be reached" in one for one in found.remarks)


def test_a_memory_over_http_cannot_be_scheduled():
    with pytest.raises(InvalidInput, match="beside the store"):
        plan(Memory("http://127.0.0.1:1"))


def test_planning_without_a_model_needs_no_torch(tmp_path):
    code = (
        "import sys; from mnemon import Memory; from mnemon.schedule import plan\n"
        f"memory = Memory({str(tmp_path / 'm.db')!r}); memory.add('x')\n"
        "plan(memory, budgets={'kv': 1}).apply(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
