"""The store's calls on quotas, budgets, retention rules, holds and what is withheld from weights;
each lies with the tenant it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from mnemon.instant import now_micros
from mnemon.store.postgres import budgets, quotas, retention, withheld
from mnemon.store.postgres.numbers import NOBODY
from mnemon.store.postgres.opened import Opened
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Budget, Hold, Quota, Rule, Withheld


class Tenancy(Opened):
    """See `PostgresStore`."""

    def quotas(self) -> list[Quota]:
        return self._whole(quotas.known)

    def set_quota(
        self, namespace: str, cubes: int | None, bytes: int | None, rate: str | None = None
    ) -> None:
        self._write(namespace, lambda turn: quotas.put(turn, namespace, cubes, bytes, rate))

    def rates(self) -> list[tuple[str, str]]:
        return self._whole(quotas.rates)

    def remove_quota(self, namespace: str) -> bool:
        return self._removed([self._tenants.of(namespace)], quotas.remove, namespace)

    def budgets(self) -> list[Budget]:
        return self._whole(budgets.known)

    def set_budgets(self, given: Sequence[Budget]) -> None:
        for one in given:
            self._write(one.namespace, partial(budgets.put, one=one))

    def remove_budgets(self, namespace: str) -> bool:
        return self._removed([self._tenants.of(namespace)], budgets.remove, namespace)

    def rules(self) -> list[Rule]:
        return self._whole(retention.rules)

    def set_rule(self, rule: Rule) -> None:
        self._write(rule.namespace, lambda turn: retention.put(turn, rule))

    def remove_rule(self, namespace: str) -> bool:
        return self._removed([self._tenants.of(namespace)], retention.remove, namespace)

    def outlived(self, rule: Rule, before: int) -> list[str]:
        return self._in(rule.namespace, retention.outlived, rule, before)

    def holds(self) -> list[Hold]:
        return self._whole(retention.holds)

    def hold(self, what: str) -> None:
        now = now_micros()
        (tenant,) = self._tenants.of_ids([what]) or (self._tenants.made(what),)
        self._connections.write([tenant], lambda turn: retention.hold(turn, what, now))

    def release(self, what: str) -> bool:
        mine = [*self._tenants.of_ids([what]), self._tenants.of(what)]
        return self._removed(mine, retention.release, what)

    def _removed(
        self, tenants: Sequence[int], remove: Callable[[Turn, str], bool], what: str
    ) -> bool:
        mine = [tenant for tenant in tenants if tenant != NOBODY]
        return any(self._connections.write(mine, lambda turn: remove(turn, what)))

    def held(self, ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for tenant, mine in self._tenants.of_ids(ids).items():
            found.update(self._at(tenant, retention.held, mine))
        return found

    def withheld(self) -> list[Withheld]:
        return self._whole(withheld.known)

    def allow(self, namespace: str) -> bool:
        return self._removed([self._tenants.of(namespace)], withheld.remove, namespace)
