"""Policies (政策) of leasing: versioned numbers a tenant agrees to, and the two thresholds that the law itself sets.

What stands in `LeasePolicy` is no law: days to answer a demand, life of a quote, price of settling early. A lease keeps
the version it was made under for ever; a new number is a new version. The statutory thresholds are constants.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.money import PPM, Ppm

DEFAULT_INSTALMENTS = 2
"""Unpaid instalments from which a lessor may end a finance lease or ask for all rent (融资租赁解释 5)."""

DEFAULT_RENT_SHARE_PPM = 150_000
"""Or the unpaid share of all rent: fifteen per cent (融资租赁解释 5)."""


class LeasePolicy(Struct, frozen=True, kw_only=True):
    """One version.

    `cure_days` is the least time a demand gives, `rental_cure_days` that of a rental: the law says a reasonable period,
    this says which. `quote_days` is how long a quote stands after its day. Settling early costs `settlement_fee_ppm` of
    the remaining principal; returning a rented device early costs `early_return_fee_ppm` of the rent not billed. Who
    answers for the loss of a rented device owes its value less `loss_credit_ppm` of the rent paid, at least
    `loss_floor_ppm` of the value.
    """

    version: Annotated[int, Meta(ge=1)]
    cure_days: Annotated[int, Meta(ge=1, le=90)] = 7
    quote_days: Annotated[int, Meta(ge=0, le=30)] = 3
    settlement_fee_ppm: Ppm = 0
    rental_cure_days: Annotated[int, Meta(ge=1, le=90)] = 7
    early_return_fee_ppm: Ppm = 0
    loss_credit_ppm: Ppm = PPM
    loss_floor_ppm: Ppm = 0


POLICIES: dict[int, LeasePolicy] = {
    1: LeasePolicy(version=1),
    2: LeasePolicy(
        version=2,
        cure_days=15,
        settlement_fee_ppm=20_000,
        rental_cure_days=10,
        early_return_fee_ppm=200_000,
        loss_credit_ppm=800_000,
        loss_floor_ppm=200_000,
    ),
}
"""Every version there ever was; released ones never change."""

CURRENT_POLICY = POLICIES[2]

assert all(version == policy.version for version, policy in POLICIES.items())
assert DEFAULT_RENT_SHARE_PPM < PPM
