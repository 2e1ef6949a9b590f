"""Style and scripts."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mnemon.server.page import assets
from mnemon.server.page.route import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/static/{name}")
def file(name: str) -> Response:
    """A file; its address changes with its bytes, so a browser may keep it for good."""
    content, kind = assets.read(name)
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=kind, headers=kept)
