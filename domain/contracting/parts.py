"""The parts a plan is put together from: closed lists, term, rates, fees, deposit and buy-out rules, structures.

Everything here is data that a tenant's catalogue is written in; rates and shares are decimal strings, amounts fen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.application.values import AssetClass, Rate
from domain.contracting.amounts import share_of
from domain.contracting.schedules import Step
from domain.kernel import Fen
from domain.kernel.money import Rounding

SCORE_MAX = 1_000
"""Credit scores of a decision are scaled to 0 … 1000 before a plan sees them."""

Share = Annotated[str, Meta(pattern=r"^(0|1|[1-9][0-9]?)(\.[0-9]{1,10})?$(?!\n)", max_length=13)]
"""A share of an amount as a decimal string; `0.2` is a fifth. Not negative."""

Name = Annotated[str, Meta(min_length=1, max_length=60)]
Score = Annotated[int, Meta(ge=0, le=SCORE_MAX)]
Count = Annotated[int, Meta(ge=1)]


class Business(StrEnum):
    """Which of the two businesses."""

    RENTAL = "rental"
    FINANCE = "finance"


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


# -------------------------------------------------------------------------------------------------- deposit


class Hold(StrEnum):
    """How a deposit is secured."""

    CASH = "cash"
    """Paid in and paid back: it takes part in the cash flows that a rate is computed from."""
    PREAUTHORISED = "preauthorised"
    """Frozen on an account and released: no money moves unless it is captured."""


class FreeDeposit(Struct, frozen=True, forbid_unknown_fields=True, tag="free", tag_field="mode"):
    """免押: no deposit, for lessees whose score is at least `score_min`."""

    score_min: Score


class DepositBand(Struct, frozen=True, forbid_unknown_fields=True):
    """From this score on, this share of the price."""

    score_min: Score
    share: Share


class GradedDeposit(Struct, frozen=True, forbid_unknown_fields=True, tag="graded", tag_field="mode"):
    """阶梯押金: a share of the price by score, highest score first; the last band begins at 0, as does who has none."""

    hold: Hold
    bands: tuple[DepositBand, ...]


class FixedDeposit(Struct, frozen=True, forbid_unknown_fields=True, tag="fixed", tag_field="mode"):
    """固定押金: the same share of the price for everybody."""

    hold: Hold
    share: Share


Deposit = FreeDeposit | GradedDeposit | FixedDeposit


def deposit_fen(rule: Deposit, price_fen: int, score: int | None) -> int:
    """What a rule asks for, rounded half up; who has no score is treated as one of score 0."""
    if isinstance(rule, FreeDeposit):
        return 0
    if isinstance(rule, FixedDeposit):
        return share_of(price_fen, rule.share, Rounding.HALF_UP)
    band = next(band for band in rule.bands if (score or 0) >= band.score_min)
    return share_of(price_fen, band.share, Rounding.HALF_UP)


def mode_of(rule: Deposit) -> str:
    """`free`, `graded` or `fixed`."""
    return str(rule.__struct_config__.tag)


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


class Level(Struct, frozen=True, forbid_unknown_fields=True, tag="level", tag_field="kind"):
    """等额本息."""


class EqualPrincipal(Struct, frozen=True, forbid_unknown_fields=True, tag="equal_principal", tag_field="kind"):
    """等额本金."""


class Balloon(Struct, frozen=True, forbid_unknown_fields=True, tag="balloon", tag_field="kind"):
    """尾款: a share of the financed amount, rounded down, falls due with the last instalment."""

    share: Share


class Stepped(Struct, frozen=True, forbid_unknown_fields=True, tag="step", tag_field="kind"):
    """阶梯: the steps one after the other; past the last they begin again (`repeat`: seasons), or its weight stays."""

    steps: tuple[Step, ...]
    repeat: bool = False


class InterestOnly(Struct, frozen=True, forbid_unknown_fields=True, tag="interest_only", tag_field="kind"):
    """先息后本."""


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


Structure = Level | EqualPrincipal | Balloon | Stepped | InterestOnly | MonthlyRent | SteppedRent | DailyRent
RENTS = (MonthlyRent, SteppedRent, DailyRent)
"""The structures of rentals; the others bear interest."""


def steps_for(steps: tuple[Step, ...], term: int, *, repeat: bool) -> tuple[Step, ...]:
    """Exactly `term` instalments of the steps: cut off, begun again, or their last weight kept."""
    weights = [step.weight for step in steps for _ in range(step.instalments)]
    return tuple(
        Step(1, weights[at % len(weights)] if repeat else weights[min(at, len(weights) - 1)]) for at in range(term)
    )
