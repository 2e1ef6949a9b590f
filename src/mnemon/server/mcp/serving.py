"""The server itself: the tools on the SDK's low-level server, over stdio or HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
from anyio import to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from pydantic import ValidationError

from mnemon.errors import MnemonError
from mnemon.methods import nearest
from mnemon.server.mcp.advice import advice, misfit
from mnemon.server.mcp.desk import Desk
from mnemon.server.mcp.greeting import Greeting
from mnemon.server.mcp.identity import INSTRUCTIONS, NAME, TITLE, VERSION
from mnemon.server.mcp.replay import Replay, Unsaid
from mnemon.server.mcp.tools import TOOLS

_UNFORESEEN = "an error of the server's own; its log has the place"
_GONE = (BrokenPipeError, ConnectionError)


def server(desk: Desk, *, strangers: bool = False) -> Server[Any]:
    """The SDK's server with our tools. With `strangers` nobody who calls is told the words of an
    error that nobody foresaw: they may quote what is not his."""

    async def listing(_: Any, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[tool.listed() for tool in TOOLS.values()])

    async def calling(context: Any, given: CallToolRequestParams) -> CallToolResult:
        if context.request is not None:
            # Beside its time limit a server must know which task holds the thread.
            context.request.scope["mnemon.working"] = asyncio.current_task()
        # The core is synchronous; a thread each keeps slow calls from holding up others.
        try:
            return await to_thread.run_sync(call, desk, given.name, given.arguments or {})
        except Exception as error:
            desk.failed(error)
            if strangers:
                raise MCPError(INTERNAL_ERROR, _UNFORESEEN) from error
            raise

    return Server(
        NAME,
        version=VERSION,
        title=TITLE,
        instructions=INSTRUCTIONS,
        on_list_tools=listing,
        on_call_tool=calling,
    )


def call(desk: Desk, name: str, arguments: dict[str, Any]) -> CallToolResult:
    """Call a tool; what the caller can put right comes back as a tool's error."""
    tool = TOOLS.get(name)
    if tool is None:
        return _failed(f"there is no tool {name!r}: {nearest(name, list(TOOLS))}")
    desk.called(name.removesuffix("_memory"))
    try:
        text, form = tool.call(desk, tool.arguments.model_validate(arguments))
    except ValidationError as error:
        return _failed(misfit(name, error))
    except (MnemonError, OSError) as error:
        desk.failed(error)
        return _failed(advice(error))
    return CallToolResult(
        content=[TextContent(text=text)],
        structured_content=form.model_dump(mode="json", exclude_none=True),
    )


def _failed(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


def serve_stdio(desk: Desk, greeting: Greeting) -> None:
    """Serve the client at stdin and stdout until it goes away."""
    try:
        anyio.run(_stdio, desk, greeting)
    except* _GONE:  # the client closed the pipe while an answer was under way
        pass


async def _stdio(desk: Desk, greeting: Greeting) -> None:
    app = server(desk)
    async with stdio_server() as (incoming, outgoing):
        options = app.create_initialization_options()
        await app.run(Replay(incoming, greeting), Unsaid(outgoing, greeting), options)
