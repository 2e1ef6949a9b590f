"""`mnemon bench serve`: what a running server answers a second, and what each answer costs it.

A real server in processes of its own, asked over real connections by `wrk` (or, where that is not
installed, by threads of a Python process, which need a core for themselves). Clients ask again as
soon as they were answered, so a slow answer delays the next question and tails look better than
they would to people who arrive on their own time. CPU seconds are those of the server's processes
alone, the kernel's work for them included: they hold on a busy machine, the rest does not.
"""

from __future__ import annotations

from mnemon.bench.load.run import Load, Phase, rows, run_serve

__all__ = ["Load", "Phase", "rows", "run_serve"]
