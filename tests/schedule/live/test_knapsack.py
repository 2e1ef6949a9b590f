from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mnemon.schedule.live.knapsack import Item, chosen, placed

TIERS = ("disk", "remote")
sizes = st.integers(1, 50)
worths = st.floats(0, 100, allow_nan=False)


def items(tiers):
    made = st.lists(st.tuples(sizes, worths, st.sampled_from(tiers), st.booleans()), max_size=12)
    return made.map(
        lambda told: [
            Item(
                str(n),
                size,
                worth,
                1.25,
                tier,
                frozenset(TIERS[:1]) if free or not tier else frozenset(),
            )
            for n, (size, worth, tier, free) in enumerate(told)
        ]
    )


@given(items(("", "store")), st.integers(-10, 300))
def test_the_room_is_never_exceeded_and_choosing_again_chooses_the_same(some, room):
    taken = chosen(some, room)
    assert sum(one.bytes for one in taken) <= max(room, 0)
    names = {one.name for one in taken}
    # What was taken is kept from now on and worth more; what was not pays its cost again.
    again = [
        replace(one, tier="store") if one.name in names
        else replace(one, tier="", worth=one.worth * 0.9) for one in some
    ]  # fmt: skip
    assert {one.name for one in chosen(again, room)} == names


@given(items(("", *TIERS)), st.integers(0, 200), st.integers(0, 200), st.integers(0, 300))
def test_tiers_keep_to_their_rooms_and_nothing_moves_twice(some, disk, remote, room):
    rooms = {"disk": disk, "remote": remote}
    found = placed(some, TIERS, rooms, room)
    bytes_ = {one.name: one.bytes for one in some}
    for tier, most in rooms.items():
        assert sum(bytes_[name] for name, at in found.items() if at == tier) <= most
    assert sum(bytes_[name] for name in found) <= room
    comes = frozenset(TIERS[:1])
    again = [
        replace(one, tier=found[one.name]) if one.name in found
        else replace(one, tier="", worth=one.worth * 0.5, comes=comes) for one in some
    ]  # fmt: skip
    assert placed(again, TIERS, rooms, room) == found


def test_the_most_seconds_a_byte_come_first_and_small_ones_fill_what_is_left():
    some = [Item("large", 90, 90.0), Item("best", 20, 40.0), Item("small", 30, 15.0)]
    assert [one.name for one in chosen(some, 100)] == ["best", "small"]


def test_what_is_kept_goes_down_by_itself_but_up_only_where_it_may():
    low, free = Item("low", 10, 5.0, 1.25, "remote"), frozenset({"disk"})
    assert placed([low], TIERS, {"disk": 99, "remote": 99}, 99) == {"low": "remote"}
    up = placed([replace(low, comes=free)], TIERS, {"disk": 99, "remote": 99}, 99)
    assert up == {"low": "disk"}
    down = placed([replace(low, tier="disk")], TIERS, {"disk": 0, "remote": 99}, 99)
    assert down == {"low": "remote"}


def test_near_equals_do_not_take_turns():
    there, other = Item("there", 10, 5.0, 1.25, "disk"), Item("other", 10, 6.0, 1.25, "remote")
    other = replace(other, comes=frozenset({"disk"}))
    rooms = {"disk": 10, "remote": 99}
    assert placed([there, other], TIERS, rooms, 99) == {"there": "disk", "other": "remote"}
    better = replace(other, worth=6.5)
    assert placed([there, better], TIERS, rooms, 99) == {"there": "remote", "other": "disk"}


def test_nothing_comes_to_a_tier_that_is_not_open_and_what_lies_there_stays():
    there, other = Item("there", 10, 0.0, 1.25, "remote"), Item("other", 10, 9.0, 1.25, "disk")
    rooms = {"disk": 0, "remote": 99}
    assert placed([there, other], TIERS, rooms, 99, {"remote"}) == {"there": "remote"}
    assert placed([there], TIERS, {"disk": 9, "remote": 9}, 99, {"remote"}) == {}


def test_bytes_may_depend_on_what_was_taken():
    pairs = [Item(name, 10, 1.0) for name in "abc"]
    taken = chosen(pairs, 10, lambda one, before: 0 if len(before) % 2 else 10)
    assert [one.name for one in taken] == ["a", "b"]
