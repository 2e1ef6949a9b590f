"""Servers: a memory for programs that are not Python, or not on this machine.

The HTTP service: `app.py` puts it together, `routes/` holds a file for each group of calls,
`serving.py` runs it. A sync core in a thread pool; async only at this edge. `mcp/` is the server
for agents.
"""
