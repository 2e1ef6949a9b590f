"""Bounds of a scope, as the store compares them, agree with what a path means."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import namespace as paths

segment = st.text("a/0.-é\U0001f600~!", min_size=1, max_size=6)


@settings(deadline=None, database=None)
@given(segment, segment)
def test_bounds_say_the_same_as_contains(scope, path):
    same, low, high = (bound.encode() for bound in paths.bounds(scope))
    inside = path.encode() == same or low <= path.encode() < high
    assert inside == paths.contains(scope, path)
