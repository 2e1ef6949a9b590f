"""What a store promises to tenants: quotas, budgets, retention rules, holds, what is withheld from
weights.
A part of `protocol.Store`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mnemon.store.rows import Budget, Hold, Quota, Rule, Withheld


class Tenancy(Protocol):
    """Limits on what namespaces hold, and for how long."""

    # quotas
    def quotas(self) -> list[Quota]:
        """All quotas, with what each prefix holds. Every write checks them in its transaction and
        raises QuotaExceeded."""
        ...

    def set_quota(
        self, namespace: str, cubes: int | None, bytes: int | None, rate: str | None = None
    ) -> None:
        """Limit what a prefix may hold, and how often servers may be asked in it; None is no limit.
        No write checks the rate."""
        ...

    def rates(self) -> list[tuple[str, str]]:
        """(prefix, rate) of the quotas that have one, by prefix; nothing is counted for it."""
        ...

    def remove_quota(self, namespace: str) -> bool:
        """Lift it; whether there was one."""
        ...

    # budgets of compiled forms, which the scheduler keeps to; no write checks them
    def budgets(self) -> list[Budget]:
        """All budgets, by path and form."""
        ...

    def set_budgets(self, given: Sequence[Budget]) -> None:
        """Set some, in place of those of the same paths and forms."""
        ...

    def remove_budgets(self, namespace: str) -> bool:
        """Lift all of a namespace's; whether there were any."""
        ...

    # retention; `retire` and `purge` raise OnHold for what is held, and then end nothing
    def rules(self) -> list[Rule]:
        """All retention rules, by path."""
        ...

    def set_rule(self, rule: Rule) -> None:
        """Set the rule of a prefix."""
        ...

    def remove_rule(self, namespace: str) -> bool:
        """Whether there was one."""
        ...

    def outlived(self, rule: Rule, before: int) -> list[str]:
        """Ids of cubes under a rule (and under no nearer one) with no version recorded after
        `before`; for a rule that purges, forgotten ones too."""
        ...

    def holds(self) -> list[Hold]:
        """All holds, oldest first."""
        ...

    def hold(self, what: str) -> None:
        """Keep a cube or a namespace prefix."""
        ...

    def release(self, what: str) -> bool:
        """Whether it was held."""
        ...

    def held(self, ids: Sequence[str]) -> dict[str, str]:
        """Those of some cubes that are held, and what holds each."""
        ...

    # what may not be compiled to weights; `write_artifact` refuses it
    def withheld(self) -> list[Withheld]:
        """All namespace prefixes that are withheld, by path."""
        ...

    def withhold(self, namespace: str) -> list[str]:
        """Withhold a prefix, and delete what of it is in weights already; keys of what went."""
        ...

    def allow(self, namespace: str) -> bool:
        """Whether it was withheld."""
        ...
