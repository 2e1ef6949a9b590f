"""For Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from mnemon.server.access import Granted
from mnemon.server.metrics import MEDIA_TYPE, Metrics

router = APIRouter(tags=["health"])


@router.get(
    "/metrics", response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def metrics(request: Request, grant: Granted) -> Response:
    """Figures of the server and its store; where keys are in use, for one that may watch it all."""
    grant.whole("watch")
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type=MEDIA_TYPE)
