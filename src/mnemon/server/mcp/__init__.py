"""The MCP server: a memory as tools of the Model Context Protocol, over stdio or HTTP.

`tools/` work at a `desk.py`, which is one namespace: of a memory of one's own (`own.py`, behind
`mnemon mcp`), or of one that a server gives access to (`exchange.py`, behind its route `/mcp`).

Nothing here is imported before it is needed: the protocol's own SDK takes a second to load, and the
client's first question is answered before (see `greeting`).
"""
