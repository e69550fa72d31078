"""A tenant's provisions: month ends go forward, amounts are computed again, and nobody else fills the allowance."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.accounting import chart
from domain.accounting import provision as r
from domain.accounting.posting import post, trial_balance
from domain.accounting.provision import PROVISION, ClassSum, ProvisionRecognised, RecogniseProvision, provision_stream
from domain.accounting.provisioning import PROVISION_POLICIES, FiveClass, provision_fen
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind
from domain.kernel.times import is_month_end, month_end
from tests.domain.leasing import cases
from tests.given import CONTEXT, context, scenarios

given = scenarios(PROVISION)
POLICY = PROVISION_POLICIES[1]
MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 30)


def classes(*exposures_fen: int) -> tuple[ClassSum, ...]:
    """The five classes with these exposures, one lease each, and what the policy requires for them."""
    return tuple(
        ClassSum(
            five_class=one,
            leases=1 if fen else 0,
            exposure_fen=fen,
            required_fen=provision_fen(fen, one, POLICY),
        )
        for one, fen in zip(FiveClass, (*exposures_fen, 0, 0, 0, 0, 0)[:5], strict=True)
    )


def month(as_of: date = MARCH, *exposures_fen: int, held_fen: int = 0) -> RecogniseProvision:
    return RecogniseProvision(as_of=as_of, currency="CNY", policy=1, classes=classes(*exposures_fen), held_fen=held_fen)


def recognised(command: RecogniseProvision, required_fen: int) -> ProvisionRecognised:
    return ProvisionRecognised(
        as_of=command.as_of,
        currency="CNY",
        policy=1,
        classes=command.classes,
        held_fen=command.held_fen,
        required_fen=required_fen,
    )


def test_a_month_end_says_what_is_held_and_what_has_to_be() -> None:
    """1.5 % of 1,000.00 and 30 % of 100.00."""
    command = month(MARCH, 100_000, 0, 10_000)
    state = given().when(command, business_date=MARCH).then(recognised(command, 1_500 + 3_000))
    assert (state.as_of, state.required_fen, state.currency) == (MARCH, 4_500, "CNY")


def test_it_may_be_recognised_later_but_not_before_its_day() -> None:
    given().when(month(MARCH, 100_000), business_date=MARCH - timedelta(days=1)).then_refused(r.DATE_IN_FUTURE)
    assert not isinstance(given().when(month(MARCH, 100_000), business_date=APRIL).answer, Refusal)


def _changed(**fields: Any) -> RecogniseProvision:
    return replace(month(APRIL, 100_000, held_fen=1_000), **fields)


_OFF_BY_ONE = (replace(classes(100_000)[0], required_fen=1_499), *classes(100_000)[1:])


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (_changed(as_of=date(2026, 4, 29)), r.NOT_MONTH_END),
        (_changed(as_of=MARCH), r.RECOGNISED_ALREADY),
        (_changed(as_of=date(2026, 2, 28)), r.WENT_BACK),
        (_changed(currency="EUR"), r.CURRENCY_DIFFERS),
        (_changed(policy=99), r.POLICY_UNKNOWN),
        (_changed(classes=classes(100_000)[::-1]), r.CLASSES_DIFFER),
        (_changed(classes=_OFF_BY_ONE), r.REQUIRED_DIFFERS),
        (_changed(held_fen=1_501), r.HELD_TOO_MUCH),
    ],
    ids=lambda value: value.code if isinstance(value, RefusalKind) else "",
)
def test_what_does_not_fit_is_refused(command: RecogniseProvision, refused: RefusalKind) -> None:
    march = month(MARCH, 100_000)
    given(recognised(march, 1_500)).when(command, business_date=APRIL).then_refused(refused)


def test_write_offs_may_overdraw_what_was_set_aside() -> None:
    march, april = month(MARCH, 100_000), month(APRIL, 50_000, held_fen=-98_500)
    given(recognised(march, 1_500)).when(april, business_date=APRIL).then(recognised(april, 750))


def test_others_are_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="expected a command to the aggregate provision, got CreateLease"):
        PROVISION.decide(cases.AUTO, PROVISION.initial, CONTEXT)
    with pytest.raises(TypeError, match="expected an event of the aggregate provision, got LeaseCreated"):
        PROVISION.evolve(PROVISION.initial, cases.history(*cases.CREATED)[0])


def test_there_is_one_stream_for_a_tenant_and_a_currency() -> None:
    tenant, other = cases.LESSEE, cases.INVESTOR
    streams = {provision_stream(who, currency) for who in (tenant, other) for currency in ("CNY", "EUR")}
    assert len(streams) == 4
    assert provision_stream(tenant, "CNY") in streams


@forall(
    st.lists(
        st.tuples(st.lists(st.integers(0, 10**9), min_size=5, max_size=5), st.integers(0, 10**6)),
        min_size=1,
        max_size=6,
    )
)
def test_the_allowance_holds_what_the_last_month_required(months: list[tuple[list[int], int]]) -> None:
    """Whatever was written off in between: the books come to the last month's amount, and nothing is lost."""
    events: list[Event] = []
    state, held_fen, gone_fen, as_of = PROVISION.initial, 0, 0, MARCH
    for exposures, written_off_fen in months:
        command = month(as_of, *exposures, held_fen=held_fen)
        answer = PROVISION.decide(command, state, context(business_date=as_of))
        assert isinstance(answer, tuple)
        state = PROVISION.evolve(state, answer[0])
        events += answer
        totals = trial_balance(line for event in events for line in post(event))
        assert -totals.get(chart.ALLOWANCE, 0) - gone_fen == state.required_fen
        assert sum(totals.values()) == 0
        held_fen, gone_fen = state.required_fen - written_off_fen, gone_fen + written_off_fen
        as_of = month_end(as_of + timedelta(days=1))
        assert is_month_end(as_of)
