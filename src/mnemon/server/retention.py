"""Retention: carries out what the rules of namespaces say. By a server in the background, and by
`mnemon retention run`; either way the journal and the audit log tell what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mnemon.errors import MnemonError
from mnemon.instant import now_micros
from mnemon.removal import carry_out, catch_up
from mnemon.server.audit.log import AuditLog
from mnemon.server.homes import opening as homes
from mnemon.store import Store, open_store
from mnemon.store.rows import Rule

ACTOR = "retention"


@dataclass(frozen=True, slots=True)
class Ran:
    """What one rule did, or would do when `dry_run`: how many cubes went with all that was derived
    from them, how many stayed because they are on hold, and the ids of those that went."""

    namespace: str
    purge: bool
    cubes: int
    on_hold: int
    dry_run: bool
    ids: tuple[str, ...]


def run(
    store: Path | str,
    *,
    dry_run: bool = False,
    now: int | None = None,
    turn: Callable[[], bool] = lambda: True,
) -> list[Ran]:
    """Carry out every rule of a store; `now` is microseconds since 1970, by default the clock's.

    When it is not this process's `turn` another one does; what waits to be removed from places is
    everybody's to try again, since each may reach others.

    Raises:
        PurgeIncomplete: the cubes are gone, their bytes may not be.
    """
    with closing(open_store(str(store))) as opened:
        log = homes.of(opened).log
        catch_up(opened)
        if not turn():
            return []
        moment = now_micros() if now is None else now
        return [_carry_out(opened, log, rule, moment, dry_run) for rule in opened.rules()]


def _carry_out(store: Store, log: AuditLog, rule: Rule, now: int, dry_run: bool) -> Ran:
    wanted = store.outlived(rule, now - rule.seconds * 1_000_000)
    free = _free(store, wanted, rule.purge)
    plan = store.doomed(free) if rule.purge else store.ending(free)
    ran = Ran(rule.namespace, rule.purge, len(plan.ids), len(wanted) - len(free), dry_run, plan.ids)
    if dry_run or not plan.ids:
        return ran
    detail = {"purged": rule.purge, "on_hold": ran.on_hold}

    def tell(outcome: str) -> None:
        log.append(
            ACTOR, "retention", outcome, namespace=rule.namespace, ids=plan.ids, detail=detail
        )

    try:
        if rule.purge:
            gone, erased = store.purge(free, ACTOR)
            removed = carry_out(store, gone.keys, orphans=True)
            # If not, `mnemon fsck --repair` finishes.
            detail["erased"] = erased and not removed.pending
        else:
            _, keys = store.retire(free, ACTOR)
            carry_out(store, keys)
    except MnemonError:
        tell("failed")
        raise
    tell("done")
    return ran


def _free(store: Store, ids: Sequence[str], purge: bool) -> list[str]:
    """Those with which nothing would go that is on hold."""

    def held(some: Sequence[str]) -> bool:
        return bool(store.held((store.doomed(some) if purge else store.ending(some)).ids))

    return [*ids] if not held(ids) else [id for id in ids if not held([id])]
