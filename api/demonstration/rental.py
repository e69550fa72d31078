"""A telephone rented for a year without a deposit, paid in every way money can come, and bought out in August.

Price 6,000.00, rent 6.39 % of it a month: 383.40. Twelve rents and the price at the end, 30 %, are 6,400.80.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

from adapters.connectors.payments.port import Order, request_of
from adapters.connectors.payments.scenarios import Script
from adapters.reference.plans import shipped_plans
from api.demonstration import telling
from api.demonstration.contracts import Deal, sign_contract
from api.demonstration.origination import (
    SYSTEM,
    Person,
    accepted,
    checked,
    consent,
    file,
    hand_in,
    in_business,
    priced,
    publish_library,
)
from api.demonstration.scene import APPLICANT, BY_APP, Demonstration
from api.language import amount
from domain.intake.application.commands import (
    ApproveApplication,
    DraftApplication,
    FinaliseTerms,
    RecordCarrierNameMatched,
    RecordIdentityVerified,
    RecordLivenessPassed,
    StartVerification,
)
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import DocumentKind, Terms
from domain.kernel.values import AssetClass
from domain.leasing.admission import lease_stream
from domain.leasing.lease.commands import (
    ActivateLease,
    CloseLease,
    CompleteBuyout,
    QuoteBuyout,
    RecordDelivery,
    RefundCredit,
    WaiveDeposit,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.terms_of_business import TenantTerms
from domain.parties.purposes import Purpose
from domain.payments.collection import collection_stream
from domain.payments.mandate import MANDATE, ResumeMandate, SuspendMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RetryPayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.reconciliation import (
    RECONCILIATION,
    CloseReconciliation,
    Resolution,
    ResolveBreak,
    reconciliation_stream,
)
from domain.pricing.dates import Adjustment
from domain.pricing.guards import CostPolicy, Lessor, LprQuote
from domain.pricing.matching import Asset, Customer, Financing, match
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass
from domain.pricing.quoting import QuoteRequest

FIRST = date(2026, 3, 2)
DELIVERY = date(2026, 3, 5)
_DUE = (DELIVERY, date(2026, 4, 7), date(2026, 5, 6), date(2026, 6, 5), date(2026, 7, 6), date(2026, 8, 5))
DUE = dict(enumerate(_DUE, start=1))
"""Due dates of the bills that are debited."""

PRICE_FEN = 600_000
SCORE = 712
LESSEE = Person("王小明", "11010519491231002X", "13800138000", "上海市长宁区示例路 8 号 302 室")
POLICY = CostPolicy(
    version=1, lessor=Lessor.UNLICENSED, lpr=(LprQuote(date(2026, 2, 20), "0.03"),), lpr_known_until=date(2026, 3, 19)
)
"""Four times a one-year loan prime rate of 3 %: 12 %."""


CLAUSE_OF_CONSENT = {"automated_decision": "automated_decision"}
PLAN = next(plan for plan in shipped_plans() if plan.id == "phone_buyout_free_12")
PERSONAL = (LESSEE.name, LESSEE.identity_number, LESSEE.phone, LESSEE.address)
"""What must not be found in the ledger."""


async def tell(demo: Demonstration, keys: Path) -> None:
    """The whole life."""
    demo.chapter("Consent before anything else")
    in_business(demo, POLICY, TenantTerms(forum="华东仲裁委员会", clause_of_consent=CLAUSE_OF_CONSENT))
    demo.say("The clause library that is shipped is written into the ledger and takes effect today")
    await publish_library(demo)
    await _consents(demo)
    demo.chapter("The application and its checks")
    application = demo.id("application")
    await _intake(demo, application)
    demo.chapter("The offer")
    offer = await _offer(demo, application)
    demo.chapter("The contract")
    await demo.until(date(2026, 3, 3))
    deal = Deal(
        plan=PLAN,
        offer=offer,
        thing=(("租赁物", "智能手机 256 GB，全新"),),
        lessee=LESSEE,
        lessor="华东星河设备租赁有限公司",
    )
    contract = await sign_contract(demo, application, deal, keys)
    demo.chapter("The lease")
    lease = await _lease(demo, application, contract)
    demo.chapter("Rent, and every way in which money comes")
    await _rents(demo, lease)
    demo.chapter("The lessee buys the telephone")
    await _buyout(demo, lease)
    demo.balance()


async def _consents(demo: Demonstration) -> None:
    demo.say("Three separate consents; the one for the face ends with the month")
    year = date(2027, 3, 31)
    await consent(demo, Purpose.THIRD_PARTIES, ["ctid", "carrier_a"], year, clause="personal_data")
    await consent(demo, Purpose.BIOMETRICS, ["ctid"], date(2026, 3, 31), clause="personal_data")
    await consent(demo, Purpose.AUTOMATED_DECISION, ["lessor"], year, clause="automated_decision")


async def _intake(demo: Demonstration, application: UUID) -> None:
    demo.say("A telephone for 6,000.00; name, number, identity and address go to the vault")
    draft = DraftApplication(
        reference="A-2026-0301",
        asset_class=AssetClass.PHONE,
        product="phone_rental",
        channel="app",
        amount_fen=PRICE_FEN,
        currency="CNY",
        expires_on=date(2026, 3, 31),
        subject=demo.id("lessee"),
        name=LESSEE.name,
        identity_number=LESSEE.identity_number,
        phone=LESSEE.phone,
        address=LESSEE.address,
    )
    await demo.ask(APPLICATION, application, draft, by=APPLICANT)
    documents = [(DocumentKind.IDENTITY_CARD_FRONT, "0.98"), (DocumentKind.IDENTITY_CARD_BACK, "")]
    await hand_in(demo, application, documents)
    await demo.ask(APPLICATION, application, StartVerification())
    demo.say("The ledger takes no answer of a provider that the consent does not name, through no door")
    verified = RecordIdentityVerified(provider="ctid", answer=file("ctid says yes"))
    stranger = RecordIdentityVerified(provider="bureau_x")
    await demo.refuse(APPLICATION, application, stranger, "consent.recipient_not_named", by=SYSTEM)
    await demo.ask(APPLICATION, application, verified, RecordLivenessPassed(provider="ctid"), by=SYSTEM)
    await checked(demo, application)


async def _offer(demo: Demonstration, application: UUID) -> Offer:
    customer, asset = Customer(CustomerClass.INDIVIDUAL, SCORE), Asset(AssetKind.PHONE)
    found = match(shipped_plans(), customer, asset, Financing(PRICE_FEN, 12, demo.today))
    demo.say(f"Of {len(found.fits) + len(found.misfits)} plans these fit, at a score of {SCORE}, best first")
    demo.show(
        f"    {one.plan.id:<24}rent a month {one.rate:>7}  deposit {amount(one.deposit_fen):>6}  {one.plan.zh}"
        for one in found.fits
    )
    demo.say(f"The lessee takes {PLAN.id}: deposit waived from a score of 650, bought at the end for 30 %")
    offer, terms = priced(_request(customer, asset, PRICE_FEN))
    demo.show(telling.offer(offer))
    await _decision(demo, application, terms, priced(_request(customer, asset, 630_000))[1])
    return offer


def _request(customer: Customer, asset: Asset, price_fen: int) -> QuoteRequest:
    return QuoteRequest(
        plan=PLAN,
        customer=customer,
        asset=asset,
        price_fen=price_fen,
        term=12,
        start=DELIVERY,
        market_price_fen=PRICE_FEN,
        adjustment=Adjustment.FOLLOWING,
    )


async def _decision(demo: Demonstration, application: UUID, terms: Terms, dearer: Terms) -> None:
    demo.say("A machine may approve only what is checked in full; the carrier has not answered yet")
    await demo.refuse(APPLICATION, application, ApproveApplication(terms=terms), "application.checks_open")
    matched = RecordCarrierNameMatched(provider="carrier_a", answer=file("carrier says yes"))
    await demo.ask(APPLICATION, application, matched, by=SYSTEM)
    demo.say("The same telephone at 6,300.00 is above its market price of 6,000.00 and dearer than four times 3 %")
    await demo.refuse(APPLICATION, application, FinaliseTerms(terms=dearer), "offer.price_above_market")
    demo.say("Numbers that the plan does not give are nobody's offer")
    cheaper = replace(terms, deposit_fen=1)
    await demo.refuse(APPLICATION, application, FinaliseTerms(terms=cheaper), "offer.terms_differ")
    await demo.ask(APPLICATION, application, FinaliseTerms(terms=terms), ApproveApplication(terms=terms))
    await accepted(demo, application, title="手机租赁十二个月，到期三成买断")


async def _lease(demo: Demonstration, application: UUID, contract: UUID) -> UUID:
    """The process made the lease with the last signature; what happens in the world is for people to say."""
    lease = lease_stream(contract)
    demo.say("Buying costs 6,400.80 less all rent that was paid, at least the 1,800.00 of the end")
    await demo.ask(LEASE, lease, WaiveDeposit(decision=application))
    await demo.mandate(lease)
    await demo.until(DELIVERY)
    await demo.refuse(LEASE, lease, ActivateLease(on=DELIVERY), "lease.not_delivered")
    demo.say("The telephone is handed over, and rent runs")
    await demo.ask(LEASE, lease, RecordDelivery(on=DELIVERY, proof=file("receipt")), ActivateLease(on=DELIVERY))
    return lease


# ---------------------------------------------------------------------------------------------------- rents


async def _pay(demo: Demonstration, lease: UUID, what: str, amount_fen: int, bill: int | None = None) -> UUID:
    """Money from the app, through the second bank."""
    payment = demo.id(f"payment:{what}")
    await demo.ask(
        PAYMENT, payment, InitiatePayment(lease=lease, bill=bill, amount_fen=amount_fen, policy=BY_APP), by=APPLICANT
    )
    return payment


def _scenarios(demo: Demonstration, lease: UUID) -> None:
    """What the banks will do with which attempt."""
    for attempt in range(1, 5):
        demo.scenarios[_debit(lease, 3).hex, attempt] = Script(code="insufficient_funds")
    demo.scenarios[_debit(lease, 1).hex, 1] = Script(short_fen=340)
    demo.scenarios[demo.id("payment:part of bill 2").hex, 1] = Script(listed_twice=True)
    demo.scenarios[_debit(lease, 4).hex, 1] = Script(
        answer_lost=True, settles_after_days=1, callbacks_after_days=(2, 3), forged_after_days=(2,)
    )
    demo.scenarios[demo.id("payment:advance").hex, 1] = Script(unlisted=True, refund_lost=True)


def _debit(lease: UUID, bill: int) -> UUID:
    """The payment that collects what is due on the due date of a bill."""
    return collection_stream(lease, DUE[bill])


async def _rents(demo: Demonstration, lease: UUID) -> None:
    _scenarios(demo, lease)
    schedule = (await demo.state(LEASE, lease)).unbilled
    assert {one.number: one.due_on for one in schedule[:6]} == DUE
    demo.say("The lessee's mandate: bank_a on the due date, after a failure again 1, 3 and 7 days later, then bank_b")
    demo.say("Bill 1 is collected on time; the bank's statement will have 3.40 less than it told us")
    await demo.until(date(2026, 3, 6))
    await _corrected(demo, "bank_a", DELIVERY, Resolution.CORRECTED)
    await _in_parts(demo, lease)
    await _retried(demo, lease)
    await _unknown(demo, lease)
    await _too_much(demo, lease)


async def _in_parts(demo: Demonstration, lease: UUID) -> None:
    """Bill 2: half in time, the rest in time too, but nobody hears of it for a month."""
    await demo.until(date(2026, 4, 3))
    demo.say("The lessee stops debits for a while and pays a part of bill 2; the bank lists that part twice")
    await demo.ask(MANDATE, mandate_stream(lease), SuspendMandate(reason="lessee"), by=APPLICANT)
    await _pay(demo, lease, "part of bill 2", 20_000)
    await demo.until(date(2026, 4, 4))
    await _corrected(demo, "bank_b", date(2026, 4, 3), Resolution.CORRECTED)
    await demo.until(date(2026, 4, 9))
    demo.say("The rest, 183.40, reaches the bank two days after it was due; the bank does not tell us")
    rest = demo.id("payment:rest of bill 2")
    order = Order(request=request_of(rest, 1), amount_fen=18_340, channel="bank_b", on=demo.today)
    await demo.banks["bank_b"].initiate(order)


async def _retried(demo: Demonstration, lease: UUID) -> None:
    """The rest of bill 2 is found; bill 3: four attempts at one bank, the fifth at the other, then the late fee."""
    await demo.until(date(2026, 5, 4))
    demo.say(
        "Money of 2026-04-09 that only the bank knew is posted with its value date: within grace, so that the late fee "
        "of April, 20 days × 0.03 % × 183.40 = 1.10, is taken back"
    )
    run = reconciliation_stream(demo.tenant, "bank_b", date(2026, 4, 9))
    await demo.refuse(RECONCILIATION, run, CloseReconciliation(), "reconciliation.breaks_open")
    await _pay(demo, lease, "rest of bill 2", 18_340, bill=2)
    await _corrected(demo, "bank_b", date(2026, 4, 9), Resolution.POSTED)
    demo.say("Bills may be debited again")
    await demo.ask(MANDATE, mandate_stream(lease), ResumeMandate(), by=APPLICANT)
    await demo.until(date(2026, 5, 20))


async def _unknown(demo: Demonstration, lease: UUID) -> None:
    """Bill 4: the bank's answer is lost."""
    await demo.until(DUE[4] + timedelta(days=1))
    demo.say("Nobody knows how the debit of bill 4 ended; trying again might take the money twice")
    again = RetryPayment(attempt=1, amount_fen=38_340)
    await demo.refuse(PAYMENT, _debit(lease, 4), again, "payment.outcome_unresolved")
    demo.say("A query will say; two days after the debit the bank calls back, and so does somebody else")
    await demo.until(DUE[4] + timedelta(days=4))


async def _too_much(demo: Demonstration, lease: UUID) -> None:
    """Bill 5 is paid from the app before it is due, and is not debited; some of the credit goes back."""
    await demo.until(date(2026, 7, 3))
    demo.say("400.00 from the app: bill 5, and the rest is credit")
    advance = await _pay(demo, lease, "advance", 40_000)
    await demo.until(date(2026, 7, 4))
    await _corrected(demo, "bank_b", date(2026, 7, 3), Resolution.OTHER_DAY)
    await demo.until(date(2026, 7, 7))
    demo.say("Bill 5 was not debited as well: nothing of it was open when it fell due. The lessee wants 10.00 back")
    too_much = RefundCredit(amount_fen=1_661, payment=advance)
    await demo.refuse(LEASE, lease, too_much, "lease.credit_too_small")
    demo.say("The bank's answer is lost: in the evening it is asked again, and pays once")
    await demo.ask(LEASE, lease, RefundCredit(amount_fen=1_000, payment=advance))
    await demo.until(date(2026, 8, 6))


async def _corrected(demo: Demonstration, provider: str, day: date, how: Resolution) -> None:
    """Every break of a run is explained in this way, and the run is closed."""
    run = reconciliation_stream(demo.tenant, provider, day)
    demo.say(f"The difference on the statement of {provider} for {day} is explained: {how}")
    state = await demo.state(RECONCILIATION, run)
    for number in sorted(state.open):
        resolve = ResolveBreak(number=number, how=how, evidence=file(f"{provider} {day} {number}"))
        await demo.ask(RECONCILIATION, run, resolve)
    await demo.ask(RECONCILIATION, run, CloseReconciliation())


# -------------------------------------------------------------------------------------------------- buy-out


async def _buyout(demo: Demonstration, lease: UUID) -> None:
    demo.say("Six rents are paid: 6,400.80 − 6 × 383.40 = 4,100.40")
    await demo.ask(LEASE, lease, QuoteBuyout(as_of=demo.today))
    quote = (await demo.state(LEASE, lease)).quote
    await demo.refuse(LEASE, lease, CompleteBuyout(), "lease.credit_too_small")
    await _pay(demo, lease, "price", quote.amount_fen)
    await demo.ask(LEASE, lease, CompleteBuyout(), CloseLease())
    demo.say("Nothing more can happen to it")
    await demo.refuse(LEASE, lease, QuoteBuyout(as_of=demo.today), "lease.closed")
    await demo.until(date(2026, 9, 1))
