"""The parts a plan is put together from: closed lists, term, rates, fees, buy-out rules, structures.

Everything here is data that a tenant's catalogue is written in; rates and shares are decimal strings, amounts fen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.money import Fen, Rounding
from domain.kernel.values import AssetClass, Rate
from domain.pricing.amounts import share_of
from domain.pricing.deposits import Share
from domain.pricing.schedules import Step

Name = Annotated[str, Meta(min_length=1, max_length=60)]
Count = Annotated[int, Meta(ge=1)]


class Form(StrEnum):
    """The legal form of a lease."""

    OPERATING = "operating"
    """租赁: the asset is rented out and comes back, or is bought at the end."""
    DIRECT = "direct"
    """直接租赁: the lessor buys the asset from a supplier for the lessee."""
    LEASEBACK = "leaseback"
    """售后回租: the lessee sells its own asset to the lessor and leases it back."""
    FLOOR_PLAN = "floor_plan"
    """库存融资: a dealer's stock."""


class AssetKind(StrEnum):
    """What is leased, finer than the asset class of an application."""

    PHONE = "phone"
    USED_PHONE = "used_phone"
    TABLET = "tablet"
    LAPTOP = "laptop"
    CAMERA = "camera"
    DRONE = "drone"
    CONSOLE = "console"
    WEARABLE = "wearable"
    EBIKE = "ebike"
    NEW_CAR = "new_car"
    NEW_ENERGY_CAR = "new_energy_car"
    USED_CAR = "used_car"
    COMMERCIAL_VEHICLE = "commercial_vehicle"

    @property
    def asset_class(self) -> AssetClass:
        """The class that an application gives an asset of this kind."""
        if self in _PHONES:
            return AssetClass.PHONE
        return AssetClass.VEHICLE if self in VEHICLES else AssetClass.DEVICE


_PHONES = frozenset({AssetKind.PHONE, AssetKind.USED_PHONE})
VEHICLES = frozenset({AssetKind.NEW_CAR, AssetKind.NEW_ENERGY_CAR, AssetKind.USED_CAR, AssetKind.COMMERCIAL_VEHICLE})
"""The kinds that the rules for auto offers speak of."""


class CustomerClass(StrEnum):
    """Who leases."""

    INDIVIDUAL = "individual"
    SOLE_TRADER = "sole_trader"
    COMPANY = "company"
    DEALER = "dealer"


class TermUnit(StrEnum):
    """What a term is counted in."""

    MONTH = "month"
    DAY = "day"


class Term(Struct, frozen=True, forbid_unknown_fields=True):
    """The terms a plan allows: `min`, `min + step`, … up to `max`."""

    unit: TermUnit
    min: Count
    max: Count
    step: Count = 1

    def allows(self, term: int) -> bool:
        """Whether a term is one of them."""
        return self.min <= term <= self.max and (term - self.min) % self.step == 0

    def all(self) -> range:
        """All of them, shortest first."""
        return range(self.min, self.max + 1, self.step)


class RateBand(Struct, frozen=True, forbid_unknown_fields=True):
    """The rate for terms up to `up_to`: interest a year (finance), or rent a month or day as a share of the price."""

    up_to: Count
    rate: Rate


class FeeTiming(StrEnum):
    """When a fee is paid."""

    UPFRONT = "upfront"
    SPREAD = "spread"


class Fee(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A charge beside rent and interest: a share of the amount, rounded half up, and a fixed part."""

    code: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", max_length=64)]
    en: Name
    zh: Name
    timing: FeeTiming
    share: Share = "0"
    fen: Fen = 0

    def amount_fen(self, amount_fen: int) -> int:
        """The fee on an amount."""
        return share_of(amount_fen, self.share, Rounding.HALF_UP) + self.fen


# -------------------------------------------------------------------------------------------------- buy-out


class NoBuyOut(Struct, frozen=True, forbid_unknown_fields=True, tag="none", tag_field="rule"):
    """到期归还: the asset goes back."""


class Gift(Struct, frozen=True, forbid_unknown_fields=True, tag="gift", tag_field="rule"):
    """租完即送: after the last rent the asset is the lessee's, for nothing more."""


class BuyOutShare(Struct, frozen=True, forbid_unknown_fields=True, tag="share", tag_field="rule"):
    """到期买断: at the end for a share of the price, rounded half up."""

    share: Share


class BuyOutPrice(Struct, frozen=True, forbid_unknown_fields=True, tag="price", tag_field="rule"):
    """留购价款: at the end for a fixed price."""

    fen: Fen


BuyOut = NoBuyOut | Gift | BuyOutShare | BuyOutPrice


def buyout_fen(rule: BuyOut, price_fen: int) -> int | None:
    """What the asset costs at the end; None when it goes back."""
    if isinstance(rule, BuyOutShare):
        return share_of(price_fen, rule.share, Rounding.HALF_UP)
    if isinstance(rule, BuyOutPrice):
        return rule.fen
    return 0 if isinstance(rule, Gift) else None


# ------------------------------------------------------------------------------------------------ structures


EVERY_MONTHS = (1, 3, 6)
"""How many months an instalment may cover: by the month (按月), the quarter (按季), the half-year (按半年)."""


class Level(Struct, frozen=True, forbid_unknown_fields=True, tag="level", tag_field="kind"):
    """等额本息."""

    every_months: Count = 1


class EqualPrincipal(Struct, frozen=True, forbid_unknown_fields=True, tag="equal_principal", tag_field="kind"):
    """等额本金."""

    every_months: Count = 1


class Balloon(Struct, frozen=True, forbid_unknown_fields=True, tag="balloon", tag_field="kind"):
    """尾款: a share of the financed amount, rounded down, falls due with the last instalment."""

    share: Share
    every_months: Count = 1


class Stepped(Struct, frozen=True, forbid_unknown_fields=True, tag="step", tag_field="kind"):
    """阶梯: the steps one after the other; past the last they begin again (`repeat`: seasons), or its weight stays."""

    steps: tuple[Step, ...]
    repeat: bool = False
    every_months: Count = 1


class InterestOnly(Struct, frozen=True, forbid_unknown_fields=True, tag="interest_only", tag_field="kind"):
    """先息后本."""

    every_months: Count = 1


class Curtailment(Struct, frozen=True, forbid_unknown_fields=True):
    """So many days after the start, this share of the financed amount is paid back, rounded down."""

    after_days: Count
    share: Share


class Curtailed(Struct, frozen=True, forbid_unknown_fields=True, tag="curtailed", tag_field="kind"):
    """分期降额: a dealer's stock is paid down as it grows old; interest monthly, the rest of the principal at the end.

    A curtailment on or after the last day is part of the rest.
    """

    curtailments: tuple[Curtailment, ...]


class MonthlyRent(Struct, frozen=True, forbid_unknown_fields=True, tag="monthly_rent", tag_field="kind"):
    """月租, in advance or in arrears."""

    in_advance: bool = True


class SteppedRent(Struct, frozen=True, forbid_unknown_fields=True, tag="stepped_rent", tag_field="kind"):
    """阶梯月租: the monthly rent times the weight of its step."""

    steps: tuple[Step, ...]
    in_advance: bool = True


class DailyRent(Struct, frozen=True, forbid_unknown_fields=True, tag="daily_rent", tag_field="kind"):
    """按日租金, billed every `every_days` days."""

    every_days: Count
    in_advance: bool = True


Structure = (
    Level | EqualPrincipal | Balloon | Stepped | InterestOnly | Curtailed | MonthlyRent | SteppedRent | DailyRent
)
SPACED = (Level, EqualPrincipal, Balloon, Stepped, InterestOnly)
"""The structures whose instalments may cover more than a month."""

RENTS = (MonthlyRent, SteppedRent, DailyRent)
"""The structures of rentals; the others bear interest."""


def every_months(structure: Structure) -> int:
    """How many months each instalment of a structure covers."""
    return structure.every_months if isinstance(structure, SPACED) else 1


def steps_for(steps: tuple[Step, ...], count: int, *, repeat: bool) -> tuple[Step, ...]:
    """Exactly `count` instalments of the steps: cut off, begun again, or their last weight kept."""
    weights = [step.weight for step in steps for _ in range(step.instalments)]
    return tuple(
        Step(1, weights[at % len(weights)] if repeat else weights[min(at, len(weights) - 1)]) for at in range(count)
    )
