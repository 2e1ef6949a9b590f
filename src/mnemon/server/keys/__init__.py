"""API keys: who may do what in which namespaces. Tokens are kept as hashes only.

`key.py` is one of them, `keys.py` makes, finds and ends them, `shelf.py` is what it asks of where
they lie: in a file beside the store (`file.py`), or in the database that several machines serve
(`table.py`).
"""

from mnemon.server.keys.file import KeyFile, beside
from mnemon.server.keys.key import PREFIX, ROLES, VERBS, Key
from mnemon.server.keys.keys import Keys

__all__ = ["PREFIX", "ROLES", "VERBS", "Key", "KeyFile", "Keys", "beside"]
