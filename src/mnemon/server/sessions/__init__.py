"""Who is signed in to the page: a random id in the browser's cookie stands for a key.

`sessions.py` begins and ends them; they are kept, as digests, in a file beside the keys (`file.py`)
or in the database that several machines serve (`table.py`).
"""

from mnemon.server.sessions.sessions import SECONDS, Sessions

__all__ = ["SECONDS", "Sessions"]
