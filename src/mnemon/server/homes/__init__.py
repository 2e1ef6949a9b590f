"""What servers keep for themselves beside the memory, and where: its home.

`home.py` is what there is: keys, the audit log, sessions of the page, rates, whose turn it is. It
lies in files of one machine (`files.py`) or, for a store that is a database, in that database,
where every machine finds it (`database.py`). `opening.py` picks the one of a store.
"""
