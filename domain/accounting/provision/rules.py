"""What a tenant's provisions answer to a command, and what is known about them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.accounting.provision import refusals as r
from domain.accounting.provision.events import ClassSum, ClassSums, ProvisionRecognised
from domain.accounting.provisioning import PROVISION_POLICIES, FiveClass, ProvisionPolicy, provision_fen
from domain.calendar.timers import is_month_end
from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.money import Currency
from domain.kernel.refusal import Refusal
from domain.leasing.values import DeltaFen


class RecogniseProvision(Command, frozen=True):
    """Bring the allowance from `held_fen` to what the classes require at the end of a month."""

    as_of: date
    currency: Currency
    policy: Annotated[int, Meta(ge=1)]
    classes: ClassSums
    held_fen: DeltaFen


class ProvisionState(Struct, frozen=True, kw_only=True):
    """One tenant's provisions in one currency: the last month end, and what was set aside then."""

    version: int = 0
    currency: str = ""
    as_of: date | None = None
    required_fen: int = 0


Answer = tuple[Event, ...] | Refusal
COMMANDS: tuple[type[Command], ...] = (RecogniseProvision,)
"""Every command of the aggregate."""


def decide(command: Command, state: ProvisionState, context: Context) -> Answer:
    """The event of a month end, or the first rule that says no: its day, its currency, its amounts.

    Raises `TypeError` for a command of another aggregate.
    """
    if not isinstance(command, RecogniseProvision):
        raise TypeError(f"expected a command to provisions, got {type(command).__name__}")
    if (wrong := _wrong_day(command.as_of, state, context.business_date)) is not None:
        return wrong
    if state.currency not in ("", command.currency):
        return r.CURRENCY_DIFFERS(expected=state.currency, got=command.currency)
    policy = PROVISION_POLICIES.get(command.policy)
    if policy is None:
        return r.POLICY_UNKNOWN(policy=command.policy)
    if (wrong := _wrong_classes(command.classes, policy)) is not None:
        return wrong
    if command.held_fen > state.required_fen:
        return r.HELD_TOO_MUCH(set_aside_fen=state.required_fen, held_fen=command.held_fen)
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
        return r.NOT_MONTH_END(as_of=as_of)
    if as_of > business_date:
        return r.DATE_IN_FUTURE(as_of=as_of, business_date=business_date)
    if state.as_of is None or as_of > state.as_of:
        return None
    return r.RECOGNISED_ALREADY(as_of=as_of) if as_of == state.as_of else r.WENT_BACK(last=state.as_of, as_of=as_of)


def _wrong_classes(classes: tuple[ClassSum, ...], policy: ProvisionPolicy) -> Refusal | None:
    """The amounts are computed again from the exposures."""
    if tuple(one.five_class for one in classes) != tuple(FiveClass):
        return r.CLASSES_DIFFER(classes=" ".join(one.five_class for one in classes))
    for one in classes:
        expected = provision_fen(one.exposure_fen, one.five_class, policy)
        if one.required_fen != expected:
            return r.REQUIRED_DIFFERS(five_class=one.five_class, expected_fen=expected, got_fen=one.required_fen)
    return None


def evolve(state: ProvisionState, event: Event) -> ProvisionState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    if not isinstance(event, ProvisionRecognised):
        raise TypeError(f"expected an event of provisions, got {type(event).__name__}")
    return replace(
        state,
        version=state.version + 1,
        currency=event.currency,
        as_of=event.as_of,
        required_fen=event.required_fen,
    )
