"""Compiling: cubes → forms that a model uses without reading them again.

What is compiled is an artifact: it says which versions of which cubes it was made from, and is
fresh as long as they are current. Needs the extra `[kv]` or `[weights]` when something is compiled.
"""

from mnemon.compiling.ledger import MemoryLedger
from mnemon.compiling.report import CompileReport

FORMS = ("kv", "weights")
"""What cubes can be compiled to."""

__all__ = ["FORMS", "CompileReport", "MemoryLedger"]
