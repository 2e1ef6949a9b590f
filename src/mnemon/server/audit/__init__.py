"""The audit log: who did what to which cubes, in a chain that shows every later change.

An entry a line, never content; each holds the hash of the one before it. Beside a store that one
machine serves it is a file (`file.py`) rather than a table: it outlives a damaged or replaced
store, and can be sent away line by line as it grows. Machines that serve one database append to one
chain there (`table.py`).

`entry.py` is one line, `log.py` says what either home does, `verifying.py` checks, `recording.py`
writes an entry for a request, `act.py` is what a request tells of itself, `taking_over.py` brings a
log from one home to the other.
"""
