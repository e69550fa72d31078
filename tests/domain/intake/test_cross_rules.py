"""No answer of a provider, no decision by machine without the consent that carries it; no offer that was not priced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from domain.intake import offers
from domain.intake.application import commands as c
from domain.intake.application.rules import REVIEWERS
from domain.intake.application.state import ApplicationState, Offer, OfferStatus
from domain.intake.application.values import Finding, Terms, WantedScore
from domain.intake.cross_rules import BIOMETRICS, THIRD_PARTIES, decided_by_a_person
from domain.kernel.command import Actor, Command
from domain.kernel.needs import CROSS_RULES, Need
from domain.kernel.refusal import RefusalKind
from domain.kernel.values import AssetClass
from domain.parties import permission
from domain.parties.needs import consents_of
from domain.parties.purposes import Purpose
from domain.pricing import guards
from domain.pricing.matching import NOT_EFFECTIVE, PLAN_UNKNOWN
from domain.pricing.quoting import COST_POLICY, PLANS
from tests.domain.parties.standing import PERSON, consent
from tests.domain.pricing.offers import CAR, LICENSED, offer, request
from tests.given import TODAY, GivenFacts, Verdict, given

ANSWERS = [(kind, Purpose.THIRD_PARTIES) for kind in THIRD_PARTIES] + [
    (kind, Purpose.BIOMETRICS) for kind in BIOMETRICS
]
MACHINE = Actor("system", "intake")
ABOUT = ApplicationState(subject=PERSON)


def answer(kind: type[Command], provider: str = "one") -> Command:
    """What a provider answered."""
    more: dict[str, Any] = {"reason": "differs"} if "reason" in kind.__struct_fields__ else {}
    return kind(**{"provider": provider, **more})


def with_consents(*purposes: Purpose, **changes: Any) -> GivenFacts:
    """The applicant's consents."""
    return given({consents_of(PERSON): tuple(consent(purpose, TODAY, **changes) for purpose in purposes)})


@pytest.mark.parametrize(("kind", "purpose"), ANSWERS, ids=[kind.__name__ for kind, _ in ANSWERS])
def test_a_provider_is_named_in_a_consent(kind: type[Command], purpose: Purpose) -> None:
    """个人信息保护法 23 and 29: a separate consent, and who gets the data is in it."""
    missing, other = permission.MISSING, Purpose.WHEREABOUTS
    with_consents(purpose).when(answer(kind), ABOUT).then()
    with_consents().when(answer(kind), ABOUT).then_refused(missing, purpose=purpose, recipient="one")
    with_consents(other).when(answer(kind), ABOUT).then_refused(missing, purpose=purpose, recipient="one")
    with_consents(purpose).when(answer(kind, "stranger"), ABOUT).then_refused(permission.RECIPIENT_NOT_NAMED)
    with_consents(purpose, withdrawn_on=TODAY).when(answer(kind), ABOUT).then_refused(permission.WITHDRAWN)
    given().when(answer(kind), ApplicationState()).then_refused(missing, purpose=purpose)


# -------------------------------------------------------------------------------------------------------- decisions

DECLINE = c.DeclineApplication(reasons=("score",))


@pytest.mark.parametrize("by", [MACHINE, Actor("risk_officer", "officer_1")])
def test_nobody_is_declined_by_machine_without_consent(by: Actor) -> None:
    """个人信息保护法 24; nor by a person, where nobody looked at the case."""
    missing, purpose = permission.MISSING, Purpose.AUTOMATED_DECISION
    with_consents().when(DECLINE, ABOUT, actor=by).then_refused(missing, purpose=purpose)
    with_consents(purpose).when(DECLINE, ABOUT, actor=by).then()
    given().when(DECLINE, ApplicationState(), actor=by).then_refused(missing, purpose=purpose)


@pytest.mark.parametrize("looked_at", [{"referred": True}, {"finding": Finding.CHANGED}])
def test_who_was_judged_by_a_person_need_not_have_agreed(looked_at: dict[str, Any]) -> None:
    case = replace(ABOUT, **looked_at)
    given().when(DECLINE, case, actor=Actor("risk_officer", "officer_1")).then()
    with_consents().when(DECLINE, case, actor=MACHINE).then_refused(permission.MISSING)


@pytest.mark.parametrize("role", [*sorted(REVIEWERS), "operator", "system", "lessee", ""])
def test_who_counts_as_a_person(role: str) -> None:
    looked_at = ApplicationState(finding=Finding.CONFIRMED)
    person, machine = Actor(role, "person_" + "a" * 32), Actor(role, "machine_" + "a" * 32)
    for state in (looked_at, ApplicationState(referred=True)):
        assert decided_by_a_person(state, person) is (role in REVIEWERS)
        assert not decided_by_a_person(state, machine)
    assert not decided_by_a_person(ApplicationState(), person)


# ----------------------------------------------------------------------------------------------------------- offers

DOWN = {"down_payment_fen": 2_000_000}
MADE = offer(CAR, **DOWN)
TERMS = offers.terms_of(MADE, offers.priced_of(request(CAR, **DOWN), MADE))
PLAIN = Terms(amount_fen=600_000, currency="CNY", months=12, annual_rate="0.1", deposit_fen=0)
CATALOGUE: dict[Need, Any] = {PLANS: (CAR,), COST_POLICY: LICENSED}
NEWER = replace(CAR, version=2, effective_from=TODAY)
Ask = Callable[[GivenFacts, Terms, str], Verdict]


def _case(**changes: Any) -> ApplicationState:
    return replace(ABOUT, asset_class=AssetClass.VEHICLE, referred=True, **changes)


def _finalise(facts: GivenFacts, terms: Terms, title: str) -> Verdict:
    return facts.when(c.FinaliseTerms(terms=terms), _case())


def _approve(facts: GivenFacts, terms: Terms, title: str) -> Verdict:
    return facts.when(c.ApproveApplication(terms=terms), _case())


def _create(facts: GivenFacts, terms: Terms, title: str) -> Verdict:
    return facts.when(c.CreateOffer(title=title or UNSET), _case(terms=terms))


def _present(facts: GivenFacts, terms: Terms, title: str) -> Verdict:
    return facts.when(c.PresentOffer(), _case(offer=Offer(1, OfferStatus.CREATED, terms, title)))


STEPS = {"finalise": _finalise, "approve": _approve, "create": _create, "present": _present}
every_step = pytest.mark.parametrize("ask", STEPS.values(), ids=STEPS.keys())


def catalogue(**changes: Any) -> GivenFacts:
    """The catalogue and the policy of the day, some of it changed; every request makes the same offer."""
    return given(
        CATALOGUE | {{"plans": PLANS, "policy": COST_POLICY}[name]: it for name, it in changes.items()}, offer=MADE
    )


@every_step
def test_terms_that_are_those_of_their_offer(ask: Ask) -> None:
    ask(catalogue(), TERMS, "").then()


def test_terms_may_be_settled_without_a_price_and_nobody_is_offered_them() -> None:
    for ask in (_finalise, _approve):
        ask(given(), PLAIN, "").then()
    for ask in (_create, _present):
        ask(given(), PLAIN, "").then_refused(offers.NOT_PRICED)


def _priced(**changes: Any) -> Terms:
    assert TERMS.priced is not UNSET
    return replace(TERMS, priced=replace(TERMS.priced, **changes))


def _wanted(**changes: Any) -> Terms:
    assert TERMS.priced is not UNSET
    return _priced(wanted=replace(TERMS.priced.wanted, **changes))


@every_step
@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        (replace(TERMS, amount_fen=1), offers.TERMS_DIFFER),
        (replace(TERMS, annual_rate="0.01"), offers.TERMS_DIFFER),
        (_priced(offer="0" * 64), offers.OFFER_DIFFERS),
        (_priced(plan_digest="0" * 64), offers.PLAN_DIFFERS),
        (_priced(plan="nobody_knows"), PLAN_UNKNOWN),
        (_wanted(asset_kind="moon"), offers.WANTED_UNKNOWN),
        (_wanted(scores=(WantedScore("a_friend", 999),)), offers.WANTED_UNKNOWN),
    ],
)
def test_nothing_that_a_client_says_of_a_price_is_believed(ask: Ask, terms: Terms, kind: RefusalKind) -> None:
    ask(catalogue(), terms, "").then_refused(kind)


@every_step
def test_what_was_right_once_is_still_right_today(ask: Ask) -> None:
    """A plan that was superseded or is not yet in force, a cap that fell, a wish that makes no offer any more."""
    ask(catalogue(plans=(CAR, NEWER)), TERMS, "").then_refused(offers.PLAN_DIFFERS, plan=CAR.id)
    later = replace(CAR, effective_from=TODAY + timedelta(days=1))
    ask(catalogue(plans=(later,)), TERMS, "").then_refused(NOT_EFFECTIVE)
    ask(catalogue(policy=replace(LICENSED, own_cap="0.01")), TERMS, "").then_refused(guards.COST_ABOVE_CAP)
    ask(given(CATALOGUE, offer=PLAN_UNKNOWN()), TERMS, "").then_refused(PLAN_UNKNOWN)


def test_an_offer_is_for_what_was_applied_for() -> None:
    command = c.FinaliseTerms(terms=TERMS)
    phone = replace(_case(), asset_class=AssetClass.PHONE)
    catalogue().when(command, phone).then_refused(offers.ASSET_DIFFERS)
    catalogue().when(command, replace(phone, asset_class=AssetClass.UNSPECIFIED)).then()


@pytest.mark.parametrize("ask", [_create, _present])
def test_words_that_blur_what_it_is(ask: Ask) -> None:
    ask(catalogue(), TERMS, "新车以租代购").then_refused(guards.FORBIDDEN_WORDING)
    ask(catalogue(), TERMS, "新车融资租赁").then()
    blurred = replace(CAR, en="Car", zh="以租代购")
    made = offer(blurred, **DOWN)
    terms = offers.terms_of(made, offers.priced_of(request(blurred, **DOWN), made))
    facts = given({PLANS: (blurred,), COST_POLICY: LICENSED}, offer=made)
    ask(facts, terms, "").then_refused(guards.FORBIDDEN_WORDING)


def test_consent_is_asked_for_before_the_terms() -> None:
    """The order in which a person hears what is missing."""
    command = c.ApproveApplication(terms=_priced(plan="nobody_knows"))
    facts = {consents_of(PERSON): (), **CATALOGUE}
    given(facts).when(command, ABOUT, actor=MACHINE).then_refused(permission.MISSING)
    granted = {consents_of(PERSON): (consent(Purpose.AUTOMATED_DECISION, TODAY),), **CATALOGUE}
    given(granted).when(command, ABOUT, actor=MACHINE).then_refused(PLAN_UNKNOWN)


def test_commands_with_rules() -> None:
    """Nobody loses a rule unnoticed."""
    mine = {kind.__name__: len(rules) for kind, rules in CROSS_RULES.items() if kind.__module__ == c.__name__}
    once: tuple[type[Command], ...] = (
        *THIRD_PARTIES,
        *BIOMETRICS,
        c.DeclineApplication,
        c.FinaliseTerms,
        c.CreateOffer,
        c.PresentOffer,
    )
    twice = {"ApproveApplication": 2, "WithdrawApplication": 2, "ExpireApplication": 2}
    assert mine == {kind.__name__: 1 for kind in once} | twice | {"CompleteApplication": 1}
