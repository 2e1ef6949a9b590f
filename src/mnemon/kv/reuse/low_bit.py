"""The blob of a block in a low-bit form, under a key of its own: who opens it asked for that form.

Tiers that store cold blobs in low bits (`kv.tiers.cold`) give back what they were given, nearly;
here the form is part of the key, so that an approximation never stands where exact ones do.
"""

from __future__ import annotations

from mnemon.errors import InvalidInput
from mnemon.kv.policy import Policy
from mnemon.kv.tiers.blob import Blob
from mnemon.kv.tiers.cold import MARK, Cold, plain, restored

FORM = "coded"
"""The entry of the header that tells the form."""


def form_of(policy: Policy | str) -> tuple[Policy, Cold]:
    """A policy that keeps every token in low bits, and the form that it means.

    Raises:
        InvalidInput: it drops tokens, is steered by a question, or needs more than keys and values.
    """
    chosen = Policy.of(policy)
    if chosen.question == "aware":
        raise InvalidInput(
            f"policy {str(chosen)!r} keeps what bears on a question, and what is compiled is for"
            " any question: name a question-agnostic one, as kivi(bits=4)"
        )
    try:
        return chosen, Cold.of(str(chosen))
    except InvalidInput:
        raise InvalidInput(
            f"policy {str(chosen)!r} is no form in which every token is kept: only one low-bit form"
            " by itself, which needs nothing but keys and values, is compiled, as kivi(bits=4)"
        ) from None


def coded(blob: Blob, form: Cold) -> Blob:
    """The blob of a block in this form; the last tokens that fill no group of it stay exact."""
    made = form.stored(blob)
    told = {name: value for name, value in made.header.items() if name != MARK}
    return Blob(blob.key, {**told, FORM: made.header.get(MARK)}, made.tensors)


def decoded(blob: Blob, form: Cold) -> Blob:
    """A blob that `coded` made, in the model's precision again: `packing.block_of` reads it.

    Raises:
        InvalidInput: it is in another form.
    """
    told = blob.header.get(FORM)
    if told is None:  # too short for one group: every token is exact
        return blob
    if told["method"] != form.name:
        raise InvalidInput(f"blob {blob.key[:16]} is in the form {told['method']}")
    header = {name: value for name, value in blob.header.items() if name != FORM}
    exact = restored(Blob(blob.key, {**header, MARK: told}, blob.tensors), form)
    return Blob(blob.key, plain(exact.header), exact.tensors)
