"""Five classes by days overdue, and the allowance they need."""

from __future__ import annotations

from domain.accounting.provisioning import (
    PROVISION_POLICIES,
    FiveClass,
    provision_fen,
)

POLICY = PROVISION_POLICIES[1]


def test_classes_and_rates_rise_together() -> None:
    for version, policy in PROVISION_POLICIES.items():
        assert policy.version == version
        assert tuple(rule.five_class for rule in policy.rules) == tuple(FiveClass)
        rates = [(rule.from_days, rule.rate_ppm) for rule in policy.rules]
        assert rates == sorted(rates)
        assert rates[0][0] == 0


def test_provisions_are_rounded_up() -> None:
    assert provision_fen(1, FiveClass.NORMAL, POLICY) == 1
    assert provision_fen(100_000, FiveClass.NORMAL, POLICY) == 1_500
    assert provision_fen(100_001, FiveClass.LOSS, POLICY) == 100_001
    assert provision_fen(0, FiveClass.DOUBTFUL, POLICY) == 0
