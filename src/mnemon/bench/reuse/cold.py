"""Putting files out of the system's page cache, as far as that goes."""

from __future__ import annotations

import os
from pathlib import Path


def cool(folder: Path) -> int:
    """Ask the system to let go of what it holds of a folder's files; how many bytes they have.

    What a virtual machine's host or the disk itself keeps is out of reach.
    """
    total = 0
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
            total += os.fstat(handle).st_size
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
    return total
