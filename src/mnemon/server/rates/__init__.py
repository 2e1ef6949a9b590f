"""Rates: how often a key, and all who ask in a namespace, may ask. Token buckets, full at first.

`50/s` lets 50 requests in at once, and 50 more each second, one every 20 ms. `rate.py` is what a
bucket has, `rates.py` what takes a request out of some: those in this process (`process.py`), or
in the database that several machines serve (`table.py`). `declared.py` are the rates of namespaces,
which the store holds, and `taken.py` what one request takes out of which.
"""

from mnemon.server.rates.declared import Declared
from mnemon.server.rates.rate import Bucket, Rate, Standing, parse
from mnemon.server.rates.rates import Rates
from mnemon.server.rates.taken import Taken

__all__ = ["Bucket", "Declared", "Rate", "Rates", "Standing", "Taken", "parse"]
