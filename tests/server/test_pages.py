"""The pages on serving say what there is, and point to what exists."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2

from mnemon.server.keys import ROLES, VERBS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_every_route_verb_and_role_is_told(url):
    document = httpx2.get(f"{url}/openapi.json").json()
    serving = (DOCS / "serving.md").read_text("utf-8")
    missing = [
        f"{method.upper()} {path}"
        for path, calls in document["paths"].items()
        for method in calls
        if f"{method.upper()} {path}" not in serving
    ]  # fmt: skip
    assert missing == []
    assert all(f"| `{verb}` |" in serving for verb in VERBS)
    operating = (DOCS / "operating.md").read_text("utf-8")
    assert all(f"| `{role}` |" in operating for role in ROLES)


def test_the_security_page_points_to_code_and_tests_that_are_there():
    page = (DOCS / "security.md").read_text("utf-8")
    rooms = "server|store|cli|core|faults|importers"
    pointed = set(re.findall(rf"`((?:{rooms})/[\w/.]*)`", page))
    assert len(pointed) > 30
    assert [
        one
        for one in sorted(pointed)
        if not ((ROOT / "src" / "mnemon" / one).exists() or (ROOT / "tests" / one).exists())
    ] == []
