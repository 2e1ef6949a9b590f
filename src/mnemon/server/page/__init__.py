"""The web page of a server: what is remembered, for people. Made on the server, works without
scripts; the same calls and grants as REST."""

from __future__ import annotations

from fastapi import FastAPI

from mnemon.server.access import Service
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


def register(app: FastAPI) -> None:
    """Give an app what the page's routes need; its service is there already."""
    service: Service = app.state.service
    app.state.sessions = service.home.sessions
