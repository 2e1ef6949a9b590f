"""Ids: UUIDs of version 7 that sort as they were made."""

from __future__ import annotations

import uuid

from mnemon.identity import new_id


def test_ids_are_uuids_of_version_7_in_the_order_they_were_made():
    made = [new_id() for _ in range(2000)]
    assert sorted(made) == made and len(set(made)) == len(made)
    assert {(uuid.UUID(id).version, uuid.UUID(id).variant) for id in made} == {(7, uuid.RFC_4122)}
    assert all(str(uuid.UUID(id)) == id for id in made)
