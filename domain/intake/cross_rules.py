"""Rules on applications that look elsewhere: consents of the person, and offers worked out again.

    a provider asked about a person   third parties (个人信息保护法 23), biometrics (个人信息保护法 29)
    decided by machine                automated decision (个人信息保护法 24)
    terms settled, offer made         a plan in force, worked out again to the fen; every guard of the day passes

A case without a person has nobody who could consent. Whoever processes data on behalf of the tenant
(个人信息保护法 21), such as a reader of documents, is not a third party and is not asked about here. A plan that was
superseded since is nobody's offer any more: it is priced again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import UNSET

from domain.intake import offers
from domain.intake.application import commands as c
from domain.intake.application.rules import is_reviewer
from domain.intake.application.state import ApplicationState
from domain.intake.application.values import Terms
from domain.kernel.command import Actor, Command
from domain.kernel.needs import Candidate, CrossRule, Facts, Judge, Need, Needs
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass
from domain.parties.needs import consents_of
from domain.parties.permission import MISSING, permits_any, wrong_consents
from domain.parties.purposes import Purpose
from domain.pricing.matching import plan_in_force
from domain.pricing.plans import Plan, digest_of
from domain.pricing.quoting import COST_POLICY, PLANS

THIRD_PARTIES: tuple[type[Command], ...] = (
    *(c.RecordIdentityVerified, c.RecordIdentityFailed),
    *(c.RecordCarrierNameMatched, c.RecordCarrierNameMismatched),
)
"""Commands that say what another handler answered about a person it was asked about."""

BIOMETRICS: tuple[type[Command], ...] = (c.RecordLivenessPassed, c.RecordLivenessFailed)
"""Commands that say what was found in somebody's face."""


# ---------------------------------------------------------------------------------------------------- consents


def _applicants_consents(candidate: Candidate, _: Facts) -> Iterable[Need]:
    subject = candidate.state.subject
    return () if subject is None else (consents_of(subject),)


def _provider_named(purpose: Purpose) -> Judge:
    """The applicant consents to this purpose, and the consent names the provider that was asked."""

    def judge(candidate: Candidate, facts: Facts) -> Refusal | None:
        subject, on = candidate.state.subject, candidate.context.business_date
        if subject is None:
            return MISSING(purpose=purpose)
        return permits_any(facts[consents_of(subject)], purpose, candidate.command.provider, on)

    return judge


def decided_by_a_person(state: ApplicationState, actor: Actor) -> bool:
    """Whether a person of the lessor decides a case that was put to a person, or that one looked at on request."""
    return state.judged_by_a_person and is_reviewer(actor)


def _decision_needs(candidate: Candidate, facts: Facts) -> Iterable[Need]:
    by_a_person = decided_by_a_person(candidate.state, candidate.context.actor)
    return () if by_a_person else _applicants_consents(candidate, facts)


def _decided(candidate: Candidate, facts: Facts) -> Refusal | None:
    """A machine needs the person's consent to decide, a person none."""
    if decided_by_a_person(candidate.state, candidate.context.actor):
        return None
    subject, on = candidate.state.subject, candidate.context.business_date
    consents = () if subject is None else facts[consents_of(subject)]
    return wrong_consents((Purpose.AUTOMATED_DECISION,), consents, on)


# ------------------------------------------------------------------------------------------------------ offers

Offered = Callable[[Candidate], tuple[Terms, str]]
"""The terms that a command is about, and the title that goes with them."""


def _terms_settled(candidate: Candidate) -> tuple[Terms, str]:
    return candidate.command.terms, ""


def _offer_created(candidate: Candidate) -> tuple[Terms, str]:
    title = candidate.command.title
    assert candidate.state.terms is not None, "an offer that may be created has terms"
    return candidate.state.terms, "" if title is UNSET else title


def _offer_presented(candidate: Candidate) -> tuple[Terms, str]:
    assert candidate.state.offer is not None, "an offer that may be presented is there"
    return candidate.state.offer.terms, candidate.state.offer.title


def _offer_needs(offered: Offered) -> Needs:
    def needs(candidate: Candidate, facts: Facts) -> Iterable[Need]:
        terms, _ = offered(candidate)
        return () if terms.priced is UNSET else (COST_POLICY, *offers.offer_needs(terms.priced, facts))

    return needs


def _right_offer(offered: Offered) -> Judge:
    """Nobody is made an offer that was not priced, and what was right once is still right today."""

    def judge(candidate: Candidate, facts: Facts) -> Refusal | None:
        terms, title = offered(candidate)
        return _wrong_terms(candidate, terms, title, facts)

    return judge


def _right_terms(candidate: Candidate, facts: Facts) -> Refusal | None:
    """Terms that are priced are right at once; a case may be decided on terms that are not."""
    terms, title = _terms_settled(candidate)
    return None if terms.priced is UNSET else _wrong_terms(candidate, terms, title, facts)


def _wrong_terms(candidate: Candidate, terms: Terms, title: str, facts: Facts) -> Refusal | None:
    if terms.priced is UNSET:
        return offers.NOT_PRICED()
    priced, on = terms.priced, candidate.context.business_date
    current = plan_in_force(facts[PLANS], priced.plan, on)
    if isinstance(current, Refusal):
        return current
    if digest_of(current) != priced.plan_digest:
        return offers.PLAN_DIFFERS(plan=priced.plan)
    found = offers.offer_of(priced, facts)
    if isinstance(found, Refusal):
        return found
    plan, offer = found
    asset_class = candidate.state.asset_class
    if asset_class not in (AssetClass.UNSPECIFIED, offer.asset_kind.asset_class):
        return offers.ASSET_DIFFERS(asset_kind=offer.asset_kind, asset_class=asset_class)
    return offers.wrong_offer(terms, offer, facts[COST_POLICY], _texts(plan, title), on)


def _texts(plan: Plan, title: str) -> dict[str, str]:
    """Every word that goes with an offer: its title, the plan's names and those of its fees."""
    fees = {f"fee.{fee.code}": f"{fee.en} {fee.zh}" for fee in plan.fees}
    return {"title": title, "plan.en": plan.en, "plan.zh": plan.zh, **fees}


# ------------------------------------------------------------------------------------------------------- rules

for _kind in THIRD_PARTIES:
    CrossRule(_kind, _applicants_consents, _provider_named(Purpose.THIRD_PARTIES))
for _kind in BIOMETRICS:
    CrossRule(_kind, _applicants_consents, _provider_named(Purpose.BIOMETRICS))
for _kind in (c.ApproveApplication, c.DeclineApplication):
    CrossRule(_kind, _decision_needs, _decided)
for _kind in (c.FinaliseTerms, c.ApproveApplication):
    CrossRule(_kind, _offer_needs(_terms_settled), _right_terms)
CrossRule(c.CreateOffer, _offer_needs(_offer_created), _right_offer(_offer_created))
CrossRule(c.PresentOffer, _offer_needs(_offer_presented), _right_offer(_offer_presented))
