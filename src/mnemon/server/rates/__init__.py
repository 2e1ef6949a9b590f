"""Rates: how often a key may ask. A token bucket for each key, full at first.

`50/s` lets 50 requests in at once, and 50 more each second, one every 20 ms. `rate.py` is what a
key has, `rates.py` what takes a request out of its bucket: one in this process (`process.py`), or
one in the database that several machines serve (`table.py`).
"""

from mnemon.server.rates.rate import Rate, Standing, parse
from mnemon.server.rates.rates import Rates

__all__ = ["Rate", "Rates", "Standing", "parse"]
