"""The audit log: who did what to which cubes, in a chain that shows every later change.

`<store>-audit.jsonl` beside the store, an entry a line, never content. A file rather than a table:
it outlives a damaged or replaced store, and can be sent away line by line as it grows. Each entry
holds the hash of the one before it. `<store>-audit.head` says where the log ended last: cutting
entries off the end leaves a chain that is whole, and only something outside the chain can tell.

`entry.py` is one line, `log.py` appends, `verifying.py` checks, `recording.py` writes an entry for
a request, `act.py` is what a request tells of itself.
"""
