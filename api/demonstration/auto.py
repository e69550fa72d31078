"""A car leased for two years with a balloon: paid, charged back, demanded, cured, and settled early.

Price 150,000.00, 45,000.00 down, 105,000.00 financed at 9.28 %, of which 30 % fall due with the last instalment.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

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
    may,
    may_not,
    net_assets,
    priced,
    publish_library,
)
from api.demonstration.scene import APPLICANT, BY_APP, RISK_OFFICER, Demonstration
from api.demonstration.taking_over import take_over, taken_over_on
from api.language import amount
from domain.contracts.contract.rules import CONTRACT
from domain.intake.application.commands import (
    ApproveApplication,
    CompleteHumanReview,
    DeclineApplication,
    DraftApplication,
    FinaliseTerms,
    IdentifyVehicle,
    RecordCarrierNameMatched,
    RecordIdentityVerified,
    RecordLivenessPassed,
    RecordOdometerReading,
    ReferApplication,
    RequestHumanReview,
    StartVerification,
)
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import DocumentKind, Finding, Terms
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass, Business
from domain.leasing.account import assessed
from domain.leasing.admission import lease_of, lease_stream
from domain.leasing.lease.commands import (
    ActivateLease,
    CloseLease,
    CreateLease,
    ElectRemedy,
    QuoteEarlySettlement,
    RecordDelivery,
    RecordDownPayment,
    ServeDemand,
    SettleEarly,
    WaiveDeposit,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.terms_of_business import TenantTerms
from domain.leasing.values import Remedy
from domain.parties.consent import CONSENT, WithdrawConsent
from domain.parties.purposes import Purpose
from domain.payments.collection import collection_stream
from domain.payments.mandate import MANDATE, RevokeMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RecordChargeback
from domain.payments.payment.rules import PAYMENT
from domain.pricing.dates import Adjustment
from domain.pricing.guards import CostPolicy, Lessor
from domain.pricing.matching import Asset, Customer, Financing, match
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass
from domain.pricing.quoting import QuoteRequest, quote
from domain.pricing.schedules import Instalment

FIRST = date(2026, 3, 9)
DELIVERY = date(2026, 3, 16)
FIRST_DUE, SECOND_DUE = date(2026, 4, 16), date(2026, 5, 18)
PRICE_FEN = 15_000_000
DOWN_FEN = 4_500_000
OLD_FEN = 9_500_000
LESSEE = Person("李晓燕", "11010519491231002X", "13800138000", "苏州市姑苏区示例巷 3 号")
VIN = "1M8GDM9AXKP042788"
PERSONAL = (LESSEE.name, LESSEE.identity_number, LESSEE.phone, LESSEE.address, VIN)
"""What must not be found in the ledger."""

POLICY = CostPolicy(version=1, lessor=Lessor.LICENSED_FINANCE, own_cap="0.24")
CLAUSE_OF_CONSENT = {"credit_inquiry": "credit_information", "whereabouts": "vehicle_tracker"}
SMALL, LARGE = (32_000_000, 38_000_000), (36_000_000, 42_000_000)
"""Net assets and all assets, before and after new capital."""

PLAN = next(plan for plan in shipped_plans() if plan.id == "new_car_direct_balloon")


async def tell(demo: Demonstration, keys: Path) -> None:
    """The whole life."""
    demo.chapter("The lessor's book, and its clause library")
    in_business(demo, POLICY, TenantTerms(forum="华东仲裁委员会", clause_of_consent=CLAUSE_OF_CONSENT))
    net_assets(demo, *SMALL)
    await publish_library(demo)
    await _older_leases(demo)
    demo.chapter("Consent")
    await _consents(demo)
    demo.chapter("The application, judged by a person")
    application = demo.id("application")
    await _intake(demo, application)
    demo.chapter("The offer")
    offer, terms = _offer(demo)
    await _decision(demo, application, terms)
    demo.chapter("The contract")
    await demo.until(date(2026, 3, 10))
    deal = Deal(
        plan=PLAN,
        offer=offer,
        thing=(("租赁物", "新车一辆，轿车"),),
        lessee=LESSEE,
        lessor="华东星河融资租赁有限公司",
    )
    demo.say(
        f"Net assets are {amount(SMALL[0])}: one lessee may owe 30 %, {amount(SMALL[0] * 3 // 10)}. With "
        "the last signature the process makes the lease, and a rule refuses it"
    )
    contract = await sign_contract(demo, application, deal, keys)
    demo.chapter("The limits of the portfolio, and the lease")
    lease = await _lease(demo, offer, application, contract)
    demo.chapter("Paid, and charged back")
    await _paid_and_charged_back(demo, lease)
    demo.chapter("Demand and cure")
    await _demand(demo, lease)
    await _cure(demo, lease)
    demo.chapter("Settled early")
    await _settled(demo, lease)


async def _older_leases(demo: Demonstration) -> None:
    demo.say("Three leases of 95,000.00 each, without interest, due in one sum in December 2028, are taken over")
    for number in (1, 2, 3):
        due = Instalment(1, date(2028, 12, 29), OLD_FEN, 0)
        create = CreateLease(
            plan="taken_over",
            plan_digest=file("taken over"),
            business=Business.FINANCE,
            asset_class=AssetClass.VEHICLE,
            currency="CNY",
            principal_fen=OLD_FEN,
            annual_rate="0",
            schedule=(due,),
            reference=f"OLD-{number}",
            subject=demo.id(f"older lessee {number}"),
        )
        lease = demo.id(f"older lease {number}")
        at = taken_over_on(demo.tenant, lease, FIRST)
        await take_over(demo.program, LEASE, lease, at, create, RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
        await demo.settle(hidden=True)
    demo.balance()


async def _consents(demo: Demonstration) -> None:
    await may_not(demo, Purpose.CREDIT_INQUIRY, "bureau_a", "consent.missing", use="application")
    until = date(2028, 3, 31)
    written = ["application"]
    await consent(demo, Purpose.CREDIT_INQUIRY, ["bureau_a"], until, uses=written, clause="credit_information")
    await consent(demo, Purpose.THIRD_PARTIES, ["ctid", "carrier_a"], until, clause="personal_data")
    await consent(demo, Purpose.BIOMETRICS, ["ctid"], until, clause="personal_data")
    await consent(demo, Purpose.WHEREABOUTS, ["tracker_a"], until, clause="vehicle_tracker")
    await may(demo, Purpose.CREDIT_INQUIRY, "bureau_a", use="application")
    await may_not(demo, Purpose.CREDIT_INQUIRY, "bureau_a", "consent.use_not_agreed", use="marketing")


async def _intake(demo: Demonstration, application: UUID) -> None:
    draft = DraftApplication(
        reference="A-2026-0412",
        asset_class=AssetClass.VEHICLE,
        product="new_car",
        channel="dealer",
        amount_fen=PRICE_FEN,
        currency="CNY",
        subject=demo.id("lessee"),
        name=LESSEE.name,
        identity_number=LESSEE.identity_number,
        phone=LESSEE.phone,
        address=LESSEE.address,
    )
    await demo.ask(APPLICATION, application, draft, by=APPLICANT)
    documents = [
        (DocumentKind.IDENTITY_CARD_FRONT, "0.99"),
        (DocumentKind.IDENTITY_CARD_BACK, ""),
        (DocumentKind.DRIVING_LICENCE, "0.71"),
    ]
    await hand_in(demo, application, documents)
    await demo.ask(APPLICATION, application, StartVerification())
    identity, face = RecordIdentityVerified(provider="ctid"), RecordLivenessPassed(provider="ctid")
    await demo.ask(APPLICATION, application, identity, face, RecordCarrierNameMatched(provider="carrier_a"), by=SYSTEM)
    demo.say("A vehicle identification number with one wrong character, and the right one")
    wrong = IdentifyVehicle(provider="dealer_scan", vin=VIN[:-1] + "9")
    await demo.refuse(APPLICATION, application, wrong, "application.vin_invalid")
    await demo.ask(APPLICATION, application, IdentifyVehicle(provider="dealer_scan", vin=VIN))
    await demo.ask(APPLICATION, application, RecordOdometerReading(reading_km=12, provider="dealer_scan"))
    await checked(demo, application)


# --------------------------------------------------------------------------------------------------- offer


def _request(down_payment_fen: int) -> QuoteRequest:
    return QuoteRequest(
        plan=PLAN,
        customer=Customer(CustomerClass.INDIVIDUAL, 640),
        asset=Asset(AssetKind.NEW_CAR),
        price_fen=PRICE_FEN,
        term=24,
        start=DELIVERY,
        market_price_fen=PRICE_FEN,
        down_payment_fen=down_payment_fen,
        adjustment=Adjustment.FOLLOWING,
    )


def _offer(demo: Demonstration) -> tuple[Offer, Terms]:
    request = _request(DOWN_FEN)
    found = match(shipped_plans(), request.customer, request.asset, Financing(PRICE_FEN, 24, demo.today))
    demo.say("The plans that fit a new car over 24 months, the lowest rate first")
    demo.show(f"    {one.plan.id:<28}{one.rate:>7}  {one.plan.zh}" for one in found.fits)
    less = quote(_request(4_000_000))
    assert isinstance(less, Refusal), "the plan asks for 30 %"
    demo.refused("40,000.00 down", less, "offer.down_payment")
    demo.say(f"{PLAN.id}: 30 % down, 1.5 % of what is financed up front, a balloon of 30 %")
    offer, terms = priced(request)
    demo.show(telling.offer(offer))
    return offer, terms


async def _decision(demo: Demonstration, application: UUID, terms: Terms) -> None:
    demo.say("The driving licence was read with too little confidence, so a person judges")
    await demo.refuse(APPLICATION, application, ApproveApplication(terms=terms), "application.checks_open")
    await demo.ask(APPLICATION, application, ReferApplication(reasons=("driving_licence_unreadable",)))
    await demo.ask(APPLICATION, application, RequestHumanReview(), by=APPLICANT)
    await demo.refuse(
        APPLICATION, application, CompleteHumanReview(finding=Finding.CONFIRMED), "application.reviewer_not_entitled",
        by=APPLICANT,
    )  # fmt: skip
    await demo.ask(APPLICATION, application, CompleteHumanReview(finding=Finding.CONFIRMED), by=RISK_OFFICER)
    demo.say("A machine would need the person's consent to decide, and there is none; the person who judges does not")
    machine = DeclineApplication(reasons=("licence",))
    await demo.refuse(APPLICATION, application, machine, "consent.missing", by=SYSTEM)
    await demo.ask(
        APPLICATION, application, FinaliseTerms(terms=terms), ApproveApplication(terms=terms), by=RISK_OFFICER
    )
    demo.say("An offer with a word that blurs what it is, and one with honest words")
    await accepted(demo, application, title="新车融资租赁，两年期，含尾款", forbidden="新车以租代购，轻松开走")


# --------------------------------------------------------------------------------------------------- lease


async def _lease(demo: Demonstration, offer: Offer, application: UUID, contract: UUID) -> UUID:
    """The lease that the process was refused is made by a person, once there is room."""
    lease = lease_stream(contract)
    create = lease_of(offer, PLAN, await demo.state(CONTRACT, contract), contract)
    await demo.refuse(LEASE, lease, create, "portfolio.one_lessee")
    demo.say(f"New capital: net assets of {amount(LARGE[0])}. The lease has room, as its contract says it")
    net_assets(demo, *LARGE)
    await demo.refuse(LEASE, lease, replace(create, down_payment_fen=0), "lease.contract_differs")
    await demo.refuse(LEASE, demo.id("second lease"), create, "lease.not_of_its_contract")
    await demo.ask(LEASE, lease, create, WaiveDeposit(decision=application))
    await demo.mandate(lease)
    await demo.until(DELIVERY)
    await demo.ask(LEASE, lease, RecordDelivery(on=DELIVERY, proof=file("receipt")))
    await demo.refuse(LEASE, lease, ActivateLease(on=DELIVERY), "lease.down_payment_open")
    demo.say("The down payment goes through the lessor to the supplier, with all of the principal; the fee is billed")
    await demo.ask(LEASE, lease, RecordDownPayment(fen=offer.down_payment_fen), ActivateLease(on=DELIVERY))
    demo.balance()
    await demo.until(date(2026, 4, 1))
    demo.say("Interest of March: 15 of 31 days of 812.00; the month end has set aside 1.5 % of what is at risk")
    demo.balance()
    return lease


async def _paid_and_charged_back(demo: Demonstration, lease: UUID) -> None:
    """Bill 1 is debited, and a month later the payer's bank takes it back; the debit of both bills fails for good."""
    demo.scenarios[collection_stream(lease, FIRST_DUE).hex, 1] = Script(charged_back_after_days=25)
    demo.scenarios[collection_stream(lease, SECOND_DUE).hex, 1] = Script(code="mandate_revoked")
    demo.scenarios[collection_stream(lease, SECOND_DUE).hex, 2] = Script(code="account_closed")
    await demo.until(date(2026, 4, 17))
    demo.balance()
    await demo.until(date(2026, 5, 11))
    demo.say(
        "The payer's bank takes the money of bill 1 back, as a letter says in the morning and a callback in the "
        "evening: the account is as if it had never been paid"
    )
    back = RecordChargeback(attempt=1, reason="disputed")
    await demo.ask(PAYMENT, collection_stream(lease, FIRST_DUE), back)
    await demo.refuse(PAYMENT, collection_stream(lease, FIRST_DUE), back, "payment.charged_back_already")
    demo.balance()
    demo.say("The mandate rests until the next bill falls due; then both are asked for, in one channel and the other")
    await demo.until(date(2026, 6, 1))
    demo.say("Late fees of May: 3,610.88 × 0.05 % × 42 days, and × 10 days; three days of grace each")
    demo.balance()
    demo.provisions()


async def _demand(demo: Demonstration, lease: UUID) -> None:
    demo.say("A demand gives a reasonable period, 15 days by the policy")
    remedy = ElectRemedy(remedy=Remedy.ACCELERATE)
    await demo.refuse(LEASE, lease, remedy, "lease.no_demand")
    await demo.refuse(LEASE, lease, ServeDemand(cure_by=date(2026, 6, 10)), "lease.cure_too_short")
    await demo.ask(LEASE, lease, ServeDemand(cure_by=date(2026, 6, 16), proof=file("demand")))
    await demo.refuse(LEASE, lease, remedy, "lease.cure_period_running")


async def _cure(demo: Demonstration, lease: UUID) -> None:
    """What was demanded is paid, late fees up to the day included."""
    await demo.until(date(2026, 6, 12))
    state = await demo.state(LEASE, lease)
    open_fen = sum(bill.open_fen for bill in assessed(state.account, demo.today).balances.bills if bill.number <= 2)
    demo.say(
        f"The lessee pays bills 1 and 2 with late fees up to today, {amount(open_fen)}: 2 × 3,610.88, and "
        "× 0.05 % × 54 and 22 days"
    )
    await _pay(demo, lease, "cure", open_fen)
    await demo.until(date(2026, 6, 17))
    demo.say("The period has passed, and there is nothing left to ask for")
    await demo.refuse(LEASE, lease, ElectRemedy(remedy=Remedy.ACCELERATE), "lease.default_too_small")
    await demo.refuse(LEASE, lease, ServeDemand(cure_by=date(2026, 7, 10)), "lease.nothing_overdue")
    demo.balance()
    demo.provisions()


async def _pay(demo: Demonstration, lease: UUID, what: str, amount_fen: int) -> None:
    """Money from the app, through the second bank."""
    payment = demo.id(f"payment:{what}")
    advance = InitiatePayment(lease=lease, bill=None, amount_fen=amount_fen, policy=BY_APP)
    await demo.ask(PAYMENT, payment, advance, by=APPLICANT)


async def _settled(demo: Demonstration, lease: UUID) -> None:
    await demo.until(date(2026, 7, 20))
    await demo.refuse(LEASE, lease, CloseLease(), "lease.term_not_over")
    demo.say("Four of 24 are paid; interest earned by 2026-07-22 is 6 of 32 days of 724.41, the fee 2 % of principal")
    await demo.ask(LEASE, lease, QuoteEarlySettlement(as_of=date(2026, 7, 22), with_buyout=True))
    quoted = (await demo.state(LEASE, lease)).quote
    await demo.until(date(2026, 7, 22))
    demo.say("The lessee ends the mandate, so that the last bill is not debited, and pays the quoted amount")
    await demo.ask(MANDATE, mandate_stream(lease), RevokeMandate(reason="lessee"), by=APPLICANT)
    await demo.refuse(LEASE, lease, SettleEarly(), "lease.credit_too_small")
    await _pay(demo, lease, "settlement", quoted.amount_fen)
    await demo.ask(LEASE, lease, SettleEarly(), CloseLease())
    await demo.refuse(LEASE, lease, CloseLease(), "lease.closed")
    demo.balance()
    await demo.until(date(2026, 7, 23))
    demo.say("The lessee takes back the consent to be located; what was done before stays lawful")
    await demo.ask(CONSENT, demo.id(f"consent:{Purpose.WHEREABOUTS}"), WithdrawConsent(channel="app"), by=APPLICANT)
    await may_not(demo, Purpose.WHEREABOUTS, "tracker_a", "consent.withdrawn")
    await demo.until(date(2026, 8, 1))
    demo.balance()
    demo.provisions()
