"""Jobs ready to be enqueued, and what becomes of them."""

from __future__ import annotations

import time

from mnemon.identity import new_id
from mnemon.store.queue import NewJob

from .rows import HOME, ME

CALLS = ("reflect", "compile")
LONG, SHORT = 60.0, 0.02
WRONG = {"type": "urn:mnemon:store-busy", "title": "Busy.", "status": 503, "detail": "try again"}


def new(call="reflect", namespace=HOME, **more):
    return NewJob(new_id(), call, namespace, ME, **more)


def put(store, *args, **more):
    return store.queue.enqueue(new(*args, **more)).id


def take(store, lease=LONG, calls=CALLS):
    claim = store.queue.claim(calls, lease)
    assert claim is not None
    return claim


def expire(store, **more):
    """A claim whose lease has run out."""
    claim = take(store, SHORT, **more)
    time.sleep(SHORT * 1.5)
    return claim


def state(store, id):
    return store.queue.get(id).state
