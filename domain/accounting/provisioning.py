"""Provisions (减值准备): five classes by days overdue, and what the allowance has to hold for each.

Days and rates are policy data of the lessor and no law; a new number is a new version. `provision` records
month ends and `domain.accounting.posting` posts them.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from domain.kernel.money import PPM, Rounding, divide


class FiveClass(StrEnum):
    """The five classes, the best first."""

    NORMAL = "normal"
    SPECIAL_MENTION = "special_mention"
    SUBSTANDARD = "substandard"
    DOUBTFUL = "doubtful"
    LOSS = "loss"

    @property
    def zh(self) -> str:
        """正常, 关注, 次级, 可疑, 损失."""
        return _ZH[self]


_ZH = dict(zip(FiveClass, ("正常", "关注", "次级", "可疑", "损失"), strict=True))


class ClassRule(Struct, frozen=True):
    """Rule of a class: the days overdue from which it applies, and the share of the exposure that is set aside."""

    five_class: FiveClass
    from_days: int
    rate_ppm: int


class ProvisionPolicy(Struct, frozen=True):
    """One version: a rule for each class, days and rates rising."""

    version: int
    rules: tuple[ClassRule, ...]


PROVISION_POLICIES: dict[int, ProvisionPolicy] = {
    1: ProvisionPolicy(
        version=1,
        rules=(
            ClassRule(FiveClass.NORMAL, 0, 15_000),
            ClassRule(FiveClass.SPECIAL_MENTION, 1, 30_000),
            ClassRule(FiveClass.SUBSTANDARD, 61, 300_000),
            ClassRule(FiveClass.DOUBTFUL, 121, 600_000),
            ClassRule(FiveClass.LOSS, 181, 1_000_000),
        ),
    )
}
"""Every version there ever was; released ones never change."""


def provision_fen(exposure: int, five_class: FiveClass, policy: ProvisionPolicy) -> int:
    """What is set aside for all exposures of a class together, in fen, rounded up once."""
    rate_ppm = next(rule.rate_ppm for rule in policy.rules if rule.five_class is five_class)
    return divide(exposure * rate_ppm, PPM, Rounding.UP)
