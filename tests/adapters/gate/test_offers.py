"""No offer that was not priced from a plan in force, to the fen, and let through by every guard."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.pricing.quotes import offer_of
from adapters.reference.plans import OWN_FILE, shipped_plans
from domain.contracts import offered
from domain.intake.application import commands as a
from domain.intake.application import events as application_events
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import Priced, Terms, WantedScore
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass
from domain.pricing.offer import Offer
from domain.pricing.plans import digest_of
from tests.adapters.gate.business import CAR, DAY, PHONE, House, priced, wish

PLAIN = Terms(amount_fen=600_000, currency="CNY", months=12, annual_rate="0.1", deposit_fen=0)


async def selected(house: House, asset: AssetClass = AssetClass.PHONE, *commands: Any) -> UUID:
    """An application for which an offer is about to be drawn up."""
    stream = await house.referred(asset)
    await house.done(APPLICATION, stream, *commands, a.SelectOffer())
    return stream


async def test_an_offer_is_priced(house: House) -> None:
    """Terms may be settled without a price; nobody is offered them."""
    stream = await selected(house, AssetClass.PHONE, a.FinaliseTerms(terms=PLAIN))
    assert await house.no(APPLICATION, stream, a.CreateOffer()) == ("offer.not_priced", {})


async def test_an_offer_says_how_it_is_worked_out(house: House) -> None:
    """Plan and wish in the event make the same numbers again, years later."""
    offer, terms = priced(wish())
    stream = await selected(house, AssetClass.PHONE, a.FinaliseTerms(terms=terms))
    await house.done(APPLICATION, stream, a.CreateOffer(title="手机月租"), a.PresentOffer())
    stored = await house.program.reader.stream(stream)
    created = next(
        event for one in stored if isinstance(event := one.parsed().event(), application_events.OfferCreated)
    )
    assert (created.title, created.terms) == ("手机月租", terms)
    assert isinstance(created.terms.priced, Priced)
    plan = next(plan for plan in shipped_plans() if digest_of(plan) == created.terms.priced.plan_digest)
    asked = offered.request_of(created.terms.priced, plan)
    assert not isinstance(asked, Refusal)
    assert offer_of(asked) == offer


PRICED = priced(wish())[1]


def _with(**change: Any) -> Terms:
    assert isinstance(PRICED.priced, Priced)
    return replace(PRICED, priced=replace(PRICED.priced, **change))


def _wanted(**change: Any) -> Terms:
    assert isinstance(PRICED.priced, Priced)
    return _with(wanted=replace(PRICED.priced.wanted, **change))


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (replace(PRICED, amount_fen=1), "offer.terms_differ"),
        (replace(PRICED, months=13), "offer.terms_differ"),
        (replace(PRICED, annual_rate="0.01"), "offer.terms_differ"),
        (replace(PRICED, deposit_fen=9), "offer.terms_differ"),
        (_with(offer="0" * 64), "offer.offer_differs"),
        (_with(plan_digest="0" * 64), "offer.plan_differs"),
        (_with(plan="nobody_knows"), "plan.unknown"),
        (_wanted(price_fen=600_001), "offer.offer_differs"),
        (_wanted(scores=(WantedScore("decision", 10),)), "offer.offer_differs"),
        (_wanted(scores=(WantedScore("a_friend", 999),)), "offer.wanted_unknown"),
        (_wanted(asset_kind="moon"), "offer.wanted_unknown"),
        (_wanted(term=1), "plan.term_not_offered"),
        (priced(wish(CAR))[1], "offer.asset_differs"),
    ],
)
async def test_nothing_that_a_client_says_of_a_price_is_believed(house: House, terms: Terms, code: str) -> None:
    """Refused when the terms are settled, by the same rule as when the offer would be drawn up."""
    stream = await house.referred()
    assert (await house.no(APPLICATION, stream, a.FinaliseTerms(terms=terms)))[0] == code
    assert (await house.no(APPLICATION, stream, a.ApproveApplication(terms=terms)))[0] == code


async def test_the_cap_of_the_day_on_which_it_is_presented(house: House) -> None:
    """What may be charged is looked up at every step; a cap that fell stops an offer that was drawn up before."""
    terms = priced(wish(CAR))[1]
    stream = await selected(house, AssetClass.VEHICLE, a.FinaliseTerms(terms=terms))
    house.may_cost("0.01")
    assert (await house.no(APPLICATION, stream, a.CreateOffer()))[0] == "offer.cost_above_cap"
    house.may_cost("0.36")
    await house.done(APPLICATION, stream, a.CreateOffer())
    house.may_cost("0.01")
    assert (await house.no(APPLICATION, stream, a.PresentOffer()))[0] == "offer.cost_above_cap"


async def test_words_that_blur_what_it_is(house: House) -> None:
    terms = priced(wish(CAR))[1]
    stream = await selected(house, AssetClass.VEHICLE, a.FinaliseTerms(terms=terms))
    code, facts = await house.no(APPLICATION, stream, a.CreateOffer(title="新车以租代购"))
    assert (code, facts["place"]) == ("offer.forbidden_wording", "title")
    await house.done(APPLICATION, stream, a.CreateOffer(title="新车融资租赁"), a.PresentOffer())


async def test_interest_is_not_deducted_beforehand(house: House) -> None:
    """民法典 670: what a lease-back pays out is what is financed."""
    plan = next(plan for plan in shipped_plans() if plan.id == "new_car_leaseback_level")
    of = replace(wish(CAR), plan=plan, down_payment_fen=0, paid_out_fen=14_000_000)
    offer = offer_of(of)
    assert isinstance(offer, Offer)
    terms = offered.terms_of(offer, offered.priced_of(of, offer))
    stream = await house.referred(AssetClass.VEHICLE)
    assert (await house.no(APPLICATION, stream, a.FinaliseTerms(terms=terms)))[0] == "offer.interest_deducted"


async def test_a_superseded_plan_is_offered_no_more(house: House) -> None:
    """A newer version takes effect between drawing up and presenting."""
    stream = await selected(house, AssetClass.PHONE, a.FinaliseTerms(terms=PRICED))
    await house.done(APPLICATION, stream, a.CreateOffer())
    newer = replace(PHONE, version=2, effective_from=DAY + timedelta(days=1))
    path = house.program.settings.data / OWN_FILE
    path.write_text(json.dumps([msgspec.to_builtins(newer)], default=str))
    await house.done(
        APPLICATION,
        stream,
        a.CancelOffer(),
        a.SelectOffer(),
        a.CreateOffer(),
    )
    house.today = DAY + timedelta(days=1)
    code, facts = await house.no(APPLICATION, stream, a.PresentOffer())
    assert (code, facts) == ("offer.plan_differs", {"plan": "phone_return"})


@given(
    price_fen=st.integers(200_000, 1_500_000),
    term=st.sampled_from(list(PHONE.term.all())),
    score=st.none() | st.integers(0, 1000),
    late=st.integers(0, 60),
)
def test_what_is_kept_makes_the_same_offer(price_fen: int, term: int, score: int | None, late: int) -> None:
    """A request goes through an event and comes back as itself; so the offer, and the terms it makes."""
    customer = replace(wish().customer, score=score)
    of = wish(price_fen=price_fen, market_price_fen=price_fen, term=term, customer=customer,
              start=DAY + timedelta(days=late))  # fmt: skip
    offer = offer_of(of)
    assert isinstance(offer, Offer)
    kept = msgspec.convert(msgspec.to_builtins(offered.priced_of(of, offer)), Priced)
    again = offered.request_of(kept, PHONE)
    assert not isinstance(again, Refusal)
    assert offer_of(again) == offer
    assert offered.terms_of(offer, kept).amount_fen == price_fen
    assert offered.wrong_key_terms(
        offered.key_terms_of(offer, PHONE, offered.Agreed(lock=True, forum=None, early_settlement_rate="0.5")),
        offer,
        PHONE,
    ) is None  # fmt: skip
