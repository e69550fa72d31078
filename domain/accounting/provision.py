"""Provision (减值准备计提): what the allowance of a tenant has to hold, month end by month end, in one currency.

    (nothing) ─recognised(31 March)─▶ recognised(30 April) ─▶ …      forward only, each month end at most once

One stream for each tenant and currency. The classes come from a read model; the amounts are computed again from the
exposures by the version of `provisioning` that is named, and refused when they differ. Between month ends
the allowance only shrinks, by what leases write off.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.accounting.provisioning import PROVISION_POLICIES, FiveClass, ProvisionPolicy, provision_fen
from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, PRESENT, Answer, Decider, Rule, State
from domain.kernel.event import Event, event_type
from domain.kernel.money import Currency, DeltaFen, Fen
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.times import is_month_end

# -------------------------------------------------------------------------------------------------------------- values


class ClassSum(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the five classes: leases, what would be lost of them, and what is set aside for that, in fen."""

    five_class: FiveClass
    leases: Annotated[int, Meta(ge=0)]
    exposure_fen: Fen
    required_fen: Fen


ClassSums = Annotated[tuple[ClassSum, ...], Meta(min_length=len(FiveClass), max_length=len(FiveClass))]
"""Every class once, the best first."""


# -------------------------------------------------------------------------------------------------------------- events


@event_type("provision.recognised.v1")
class ProvisionRecognised(Event, frozen=True):
    """At the end of a month the allowance held `held_fen` and has to hold `required_fen`, the sum of the classes.

    `held_fen` is negative when more was written off since than had been set aside.
    """

    as_of: date
    currency: Currency
    policy: Annotated[int, Meta(ge=1)]
    classes: ClassSums
    held_fen: DeltaFen
    required_fen: Fen


# --------------------------------------------------------------------------------------------------------------- state


class ProvisionState(State, frozen=True, kw_only=True):
    """One tenant's provisions in one currency: the last month end, and what was set aside then."""

    currency: str = ""
    as_of: date | None = None
    required_fen: int = 0


# ------------------------------------------------------------------------------------------------------------ commands


class RecogniseProvision(Command, frozen=True):
    """Bring the allowance from `held_fen` to what the classes require at the end of a month."""

    as_of: date
    currency: Currency
    policy: Annotated[int, Meta(ge=1)]
    classes: ClassSums
    held_fen: DeltaFen


# ------------------------------------------------------------------------------------------------------------ refusals

POLICY_UNKNOWN = refusal("provision.policy_unknown", "There is no such version of the policy", "政策版本不存在")
NOT_MONTH_END = refusal("provision.not_month_end", "Provisions are recognised at month ends", "减值准备于月末计提")
DATE_IN_FUTURE = refusal("provision.date_in_future", "That day has not come yet", "日期尚未到来")
RECOGNISED_ALREADY = refusal(
    "provision.recognised_already", "Provisions of this month end were recognised", "该月末减值准备已计提"
)
WENT_BACK = refusal("provision.went_back", "A later month end was recognised", "已计提更晚月末的减值准备")
CURRENCY_DIFFERS = refusal("provision.currency_differs", "These provisions are in another currency", "币种不一致")
CLASSES_DIFFER = refusal(
    "provision.classes_differ", "The five classes stand once each, the best first", "五级分类须各列一次并由优至劣"
)
REQUIRED_DIFFERS = refusal(
    "provision.required_differs", "The policy gives another amount for this exposure", "应计提金额与政策计算不符"
)
HELD_TOO_MUCH = refusal(
    "provision.held_too_much",
    "The allowance holds more than was set aside; only month ends fill it",
    "减值准备余额超过已计提金额",
)


# --------------------------------------------------------------------------------------------------------------- rules


def _recognise(command: RecogniseProvision, state: ProvisionState, context: Context) -> Answer:
    if (wrong := _wrong_day(command.as_of, state, context.business_date)) is not None:
        return wrong
    if state.currency not in ("", command.currency):
        return CURRENCY_DIFFERS(expected=state.currency, got=command.currency)
    policy = PROVISION_POLICIES.get(command.policy)
    if policy is None:
        return POLICY_UNKNOWN(policy=command.policy)
    if (wrong := _wrong_classes(command.classes, policy)) is not None:
        return wrong
    if command.held_fen > state.required_fen:
        return HELD_TOO_MUCH(set_aside_fen=state.required_fen, held_fen=command.held_fen)
    required_fen = sum(one.required_fen for one in command.classes)
    return (
        ProvisionRecognised(
            as_of=command.as_of,
            currency=command.currency,
            policy=command.policy,
            classes=command.classes,
            held_fen=command.held_fen,
            required_fen=required_fen,
        ),
    )


def _wrong_day(as_of: date, state: ProvisionState, business_date: date) -> Refusal | None:
    if not is_month_end(as_of):
        return NOT_MONTH_END(as_of=as_of)
    if as_of > business_date:
        return DATE_IN_FUTURE(as_of=as_of, business_date=business_date)
    if state.as_of is None or as_of > state.as_of:
        return None
    return RECOGNISED_ALREADY(as_of=as_of) if as_of == state.as_of else WENT_BACK(last=state.as_of, as_of=as_of)


def _wrong_classes(classes: tuple[ClassSum, ...], policy: ProvisionPolicy) -> Refusal | None:
    """The amounts are computed again from the exposures."""
    if tuple(one.five_class for one in classes) != tuple(FiveClass):
        return CLASSES_DIFFER(classes=" ".join(one.five_class for one in classes))
    for one in classes:
        expected = provision_fen(one.exposure_fen, one.five_class, policy)
        if one.required_fen != expected:
            return REQUIRED_DIFFERS(five_class=one.five_class, expected_fen=expected, got_fen=one.required_fen)
    return None


# -------------------------------------------------------------------------------------------------------------- evolve


def _recognised(state: ProvisionState, event: ProvisionRecognised) -> ProvisionState:
    return replace(state, currency=event.currency, as_of=event.as_of, required_fen=event.required_fen)


# ------------------------------------------------------------------------------------------------------------- decider

PROVISION = Decider(
    name="provision",
    initial=ProvisionState(),
    rules={RecogniseProvision: Rule(ABSENT | PRESENT, RECOGNISED_ALREADY, _recognise)},
    evolve={ProvisionRecognised: _recognised},
)


def provision_stream(tenant: UUID, currency: str) -> UUID:
    """The stream of a tenant's provisions in a currency: derived, so that there is one and everyone finds it."""
    return uuid5(tenant, f"{PROVISION.name}:{currency}")
