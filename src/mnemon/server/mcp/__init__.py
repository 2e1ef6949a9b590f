"""The MCP server: a memory as tools of the Model Context Protocol, over stdio or HTTP.

Nothing here is imported before it is needed: the protocol's own SDK takes a second to load, and the
client's first question is answered before (see `greeting`).
"""
