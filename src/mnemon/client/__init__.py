"""The client: `Memory("http://127.0.0.1:8077")` is a `RemoteMemory`, with the same calls.

It sends what a `Memory` takes and gives what a `Memory` gives: the same values and errors.
"""

from mnemon.client.remote import RemoteMemory

__all__ = ["RemoteMemory"]
