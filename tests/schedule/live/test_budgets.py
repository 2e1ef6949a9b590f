from datetime import UTC, datetime, timedelta

import pytest

from mnemon.errors import InvalidInput
from mnemon.schedule.costs import Costs
from mnemon.schedule.forms import forms
from mnemon.schedule.live import notes
from mnemon.schedule.live.budgets import below, merged, over, parsed
from mnemon.store.rows import Budget


def test_budgets_are_read_from_text_and_from_mappings():
    assert parsed(["kv=2GB", "adapter = 1000"], "acme") == [
        Budget("acme", "kv", 2 * 10**9),
        Budget("acme", "adapter", 1000),
    ]
    assert parsed({"kv.disk": "1MiB"}, "acme") == [Budget("acme", "kv.disk", 2**20)]


@pytest.mark.parametrize(
    ("told", "match"),
    [("kv", "FORM=SIZE"), ("vk=1GB", "did you mean"), ("text=1GB", "quota"), ("kv=big", "no size")],
)
def test_what_is_no_budget_says_what_one_is(told, match):
    with pytest.raises(InvalidInput, match=match):
        parsed([told], "acme")


def test_budgets_above_count_and_those_below_are_scheduled_by_themselves():
    some = [Budget("acme", "kv", 9), Budget("acme/ana", "kv", 5), Budget("acme/ana/x", "kv", 1),
            Budget("acmes", "kv", 2)]  # fmt: skip
    assert [one.namespace for one in over(some, "acme/ana", "kv")] == ["acme", "acme/ana"]
    assert below(some, "acme/ana") == ["acme/ana/x"]
    assert merged(some, [Budget("acme", "kv", 3)])[0].bytes == 3


def test_what_was_moved_is_known_to_the_next_process(tmp_path):
    address = str(tmp_path / "store.db")
    late = notes.Notes(address)
    notes.Notes(address).set_moved(["kv:a"], datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1))
    late.set_moved(["kv:b"], datetime(2026, 1, 1, 1, tzinfo=UTC), timedelta(days=1))
    assert notes.Notes(address).moved(datetime(2025, 1, 1, tzinfo=UTC)) == {"kv:a", "kv:b"}


def test_a_damaged_file_is_told_not_passed_over(tmp_path):
    (tmp_path / "store.db-schedule.json").write_text("{")
    with pytest.raises(InvalidInput, match="damaged"):
        notes.Notes(str(tmp_path / "store.db"))


def test_measured_costs_are_kept_by_model(tmp_path):
    assert notes.known_costs("nano") is None
    costs = Costs(machine="here", token_bytes=7, measured=("token_bytes",))
    assert notes.keep_costs("nano", costs).parent.parent == tmp_path / "cache"
    assert notes.known_costs("nano") == notes.known_costs(None) == costs
    assert notes.known_costs("other") is None


def test_each_form_says_what_it_holds_saves_and_costs():
    text, vector, host, disk, remote, adapter = forms(Costs(), 200)
    assert (text.saves, text.builds, vector.saves) == (0, 0, 0)
    assert host.saves > disk.saves > remote.saves > 0
    assert host.bytes == disk.bytes == 200 * Costs().token_bytes
    assert (adapter.tokens, adapter.builds) == (200, Costs().training)
    for one in (host, disk, remote, adapter):
        assert one.waits + one.saves == pytest.approx(text.waits)
