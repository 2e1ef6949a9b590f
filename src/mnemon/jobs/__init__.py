"""Background work over the store's own queue: `memory.jobs`.

`asking.py` is what callers see, `calls.py` what a job can be, `worker.py` takes jobs and carries
them out, `lease.py` holds on to one meanwhile, `crew.py` runs workers in threads.
"""

from mnemon.jobs.asking import Jobs

__all__ = ["Jobs"]
