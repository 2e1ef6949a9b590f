"""`forget_memory`: retire memories, or erase them when that is asked for by name."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from mnemon.cube import Receipt
from mnemon.errors import PurgeIncomplete
from mnemon.server.mcp import fields
from mnemon.server.mcp.desk import Desk
from mnemon.server.mcp.tool import Answer, Arguments, Tool

_MOST = 50


class Forgotten(Arguments):
    """What to forget."""

    ids: Annotated[
        list[fields.Id],
        Field(description="Ids that search_memory gave you.", min_length=1, max_length=_MOST),
    ]
    purge: Annotated[
        bool,
        Field(
            description="Erase for good, all versions and every byte. Only when the user asked "
            "for it to be deleted."
        ),
    ] = False
    dry_run: Annotated[bool, Field(description="Only count.")] = False


class Done(BaseModel):
    """What was forgotten; never what it said."""

    memories: Annotated[int, Field(description="With those derived from them.")]
    purged: bool
    dry_run: bool
    pending: Annotated[
        list[str], Field(description="Places where what was compiled from them may still lie.")
    ]


def forget(desk: Desk, given: Forgotten) -> Answer:
    """Forget them all, or none when one of them is not known."""
    memory, scope = desk.on("forget")
    ids = [desk.id(memory, one) for one in given.ids]
    desk.touch(ids)
    try:
        receipt = memory.forget(ids, namespace=scope, purge=given.purge, dry_run=given.dry_run)
    except PurgeIncomplete as error:
        if isinstance(error.receipt, Receipt):
            desk.forgot(error.receipt)
        raise
    desk.forgot(receipt)
    done = Done(
        memories=receipt.cubes,
        purged=receipt.purged,
        dry_run=receipt.dry_run,
        pending=list(receipt.pending),
    )
    return _text(receipt), done


def _text(receipt: Receipt) -> str:
    if not receipt.cubes:
        return "Nothing to forget: they are forgotten already."
    verb = "erased for good" if receipt.purged else "retired (mnemon restore brings them back)"
    would = "would be " if receipt.dry_run else ""
    told = f"Memories {would}{verb}, with what was derived from them: {receipt.cubes}."
    if receipt.pending:
        told += f" What was compiled from them may still lie in {', '.join(receipt.pending)}."
    return told


FORGET = Tool(
    name="forget_memory",
    title="Forget memories",
    description="""\
Take memories out of every later answer, with what was derived from them. Use it when the user \
asks to forget something, or for what should never have been stored; to correct a memory, use \
update_memory. By default they are retired and can be restored; purge=true erases them and cannot \
be undone.""",
    arguments=Forgotten,
    result=Done,
    call=forget,
    destructive=True,
    idempotent=True,
)
