"""The web page of a server: what is remembered, for people. Made on the server, works without
scripts; the same calls and grants as REST."""

from __future__ import annotations

from mnemon.server.page.sessions import Sessions as Sessions
from mnemon.server.page.views import (
    adding,
    cube,
    editing,
    files,
    forgetting,
    journal,
    login,
    namespaces,
    search,
    storage,
    timeline,
)

GROUPS = (
    search, timeline, namespaces, journal, storage, adding, editing, forgetting, cube, login, files,
)  # fmt: skip
