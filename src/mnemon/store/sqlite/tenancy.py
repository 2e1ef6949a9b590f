"""What a store promises to several tenants: quotas, budgets, retention rules, holds, what is
withheld."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from mnemon.instant import now_micros
from mnemon.store.rows import Budget, Hold, Quota, Rule, Withheld
from mnemon.store.sqlite import budgets, quotas, retention, withheld
from mnemon.store.sqlite.connection import Connections
from mnemon.store.sqlite.writer import Writer

T = TypeVar("T")


class Tenancy:
    """See `mnemon.store.protocol.Store` for what each method promises."""

    _connections: Connections
    _writer: Writer

    def _read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with self._connections.read() as connection:
            return ask(connection)

    def quotas(self) -> list[Quota]:
        return self._read(quotas.known)

    def set_quota(
        self, namespace: str, cubes: int | None, bytes: int | None, rate: str | None = None
    ) -> None:
        self._writer.run(lambda c: quotas.put(c, namespace, cubes, bytes, rate))

    def rates(self) -> list[tuple[str, str]]:
        return self._read(quotas.rates)

    def remove_quota(self, namespace: str) -> bool:
        return self._writer.run(lambda c: quotas.remove(c, namespace))

    def budgets(self) -> list[Budget]:
        return self._read(budgets.known)

    def set_budgets(self, given: Sequence[Budget]) -> None:
        self._writer.run(lambda c: budgets.put(c, given))

    def remove_budgets(self, namespace: str) -> bool:
        return self._writer.run(lambda c: budgets.remove(c, namespace))

    def rules(self) -> list[Rule]:
        return self._read(retention.rules)

    def set_rule(self, rule: Rule) -> None:
        self._writer.run(lambda c: retention.put(c, rule))

    def remove_rule(self, namespace: str) -> bool:
        return self._writer.run(lambda c: retention.remove(c, namespace))

    def outlived(self, rule: Rule, before: int) -> list[str]:
        return self._read(lambda c: retention.outlived(c, rule, before))

    def holds(self) -> list[Hold]:
        return self._read(retention.holds)

    def hold(self, what: str) -> None:
        now = now_micros()
        self._writer.run(lambda c: retention.hold(c, what, now))

    def release(self, what: str) -> bool:
        return self._writer.run(lambda c: retention.release(c, what))

    def held(self, ids: Sequence[str]) -> dict[str, str]:
        return self._read(lambda c: retention.held(c, ids))

    def withheld(self) -> list[Withheld]:
        return self._read(withheld.known)

    def allow(self, namespace: str) -> bool:
        return self._writer.run(lambda c: withheld.remove(c, namespace))
