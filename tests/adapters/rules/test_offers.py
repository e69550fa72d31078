"""Offers against the ledger: what is kept makes the same offer, and the files of the day count."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.pricing.quotes import offer_of
from adapters.reference.plans import OWN_FILE, shipped_plans
from domain.contracts import offered
from domain.intake import offers
from domain.intake.application import commands as a
from domain.intake.application import events as application_events
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import Priced
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass
from domain.pricing.offer import Offer
from domain.pricing.plans import digest_of
from tests.adapters.lessor import CAR, DAY, PHONE, Lessor, priced, wish


async def selected(lessor: Lessor, asset: AssetClass = AssetClass.PHONE, *commands: Any) -> UUID:
    """An application for which an offer is about to be drawn up."""
    stream = await lessor.referred(asset)
    await lessor.given(APPLICATION, stream, *commands, a.SelectOffer())
    return stream


async def test_an_offer_says_how_it_is_worked_out(lessor: Lessor) -> None:
    """Plan and wish in the event make the same numbers again, years later."""
    offer, terms = priced(wish())
    stream = await selected(lessor, AssetClass.PHONE, a.FinaliseTerms(terms=terms))
    await lessor.given(APPLICATION, stream, a.CreateOffer(title="手机月租"), a.PresentOffer())
    stored = await lessor.program.reader.stream(stream)
    created = next(
        event for one in stored if isinstance(event := one.parsed().event(), application_events.OfferCreated)
    )
    assert (created.title, created.terms) == ("手机月租", terms)
    assert isinstance(created.terms.priced, Priced)
    plan = next(plan for plan in shipped_plans() if digest_of(plan) == created.terms.priced.plan_digest)
    asked = offers.request_of(created.terms.priced, plan)
    assert not isinstance(asked, Refusal)
    assert offer_of(asked) == offer


PRICED = priced(wish())[1]


async def test_the_cap_of_the_day_on_which_it_is_presented(lessor: Lessor) -> None:
    """What may be charged is looked up at every step; a cap that fell stops an offer that was drawn up before."""
    terms = priced(wish(CAR))[1]
    stream = await selected(lessor, AssetClass.VEHICLE, a.FinaliseTerms(terms=terms))
    lessor.may_cost("0.01")
    (await lessor.when(APPLICATION, stream, a.CreateOffer())).then_refused("offer.cost_above_cap")
    lessor.may_cost("0.36")
    await lessor.given(APPLICATION, stream, a.CreateOffer())
    lessor.may_cost("0.01")
    (await lessor.when(APPLICATION, stream, a.PresentOffer())).then_refused("offer.cost_above_cap")


async def test_a_superseded_plan_is_offered_no_more(lessor: Lessor) -> None:
    """A newer version takes effect between drawing up and presenting."""
    stream = await selected(lessor, AssetClass.PHONE, a.FinaliseTerms(terms=PRICED))
    await lessor.given(APPLICATION, stream, a.CreateOffer())
    newer = replace(PHONE, version=2, effective_from=DAY + timedelta(days=1))
    path = lessor.program.settings.data / OWN_FILE
    path.write_text(json.dumps([msgspec.to_builtins(newer)], default=str))
    await lessor.given(
        APPLICATION,
        stream,
        a.CancelOffer(),
        a.SelectOffer(),
        a.CreateOffer(),
    )
    lessor.today = DAY + timedelta(days=1)
    (await lessor.when(APPLICATION, stream, a.PresentOffer())).then_refused("offer.plan_differs", plan="phone_return")


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
    kept = msgspec.convert(msgspec.to_builtins(offers.priced_of(of, offer)), Priced)
    again = offers.request_of(kept, PHONE)
    assert not isinstance(again, Refusal)
    assert offer_of(again) == offer
    assert offers.terms_of(offer, kept).amount_fen == price_fen
    conditions = offered.ContractConditions(lock=True, forum=None, early_settlement_rate="0.5")
    assert offered.wrong_key_terms(offered.key_terms_of(offer, PHONE, conditions), offer, PHONE) is None
