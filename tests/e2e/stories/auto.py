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
from adapters.reference.tenants import TenantTerms
from domain.contracts.contract.decider import CONTRACT
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
from domain.intake.application.decider import APPLICATION
from domain.intake.application.values import AssetClass, DocumentKind, Finding, Terms
from domain.kernel.refusal import Refusal
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
from domain.leasing.lease.decider import LEASE
from domain.leasing.values import Business, Remedy
from domain.parties.consent.commands import WithdrawConsent
from domain.parties.consent.decider import CONSENT
from domain.parties.consent.values import Purpose
from domain.payments.collection import collection_stream
from domain.payments.mandate.commands import RevokeMandate
from domain.payments.mandate.decider import MANDATE, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RecordChargeback
from domain.payments.payment.decider import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from domain.pricing.dates import Adjustment
from domain.pricing.guards import CostPolicy, Lessor
from domain.pricing.matching import Asset, Customer, Wish, match
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass
from domain.pricing.quoting import Request, quote
from domain.pricing.schedules import Instalment
from tests.e2e.stories import telling
from tests.e2e.stories.contracts import Deal, sign_contract
from tests.e2e.stories.origination import (
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
from tests.e2e.stories.scene import APPLICANT, RISK_OFFICER, Story
from tests.taking_over import take_over, taken_over_on

FIRST = date(2026, 3, 9)
DELIVERY = date(2026, 3, 16)
FIRST_DUE, SECOND_DUE = date(2026, 4, 16), date(2026, 5, 18)
PRICE_FEN = 15_000_000
DOWN_FEN = 4_500_000
FINANCED_FEN = PRICE_FEN - DOWN_FEN
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
BY_APP = CollectionPolicy(channels=("bank_b",))


async def tell(story: Story, keys: Path) -> None:
    """The whole story."""
    story.chapter("The lessor's book, and its clause library")
    in_business(story, POLICY, TenantTerms(forum="华东仲裁委员会", clause_of_consent=CLAUSE_OF_CONSENT))
    net_assets(story, *SMALL)
    await publish_library(story)
    await _older_leases(story)
    story.chapter("Consent")
    await _consents(story)
    story.chapter("The application, judged by a person")
    application = story.id("application")
    await _intake(story, application)
    story.chapter("The offer")
    offer, terms = _offer(story)
    await _decision(story, application, terms)
    story.chapter("The contract")
    await story.until(date(2026, 3, 10))
    deal = Deal(
        plan=PLAN,
        offer=offer,
        thing=(("租赁物", "新车一辆，轿车"),),
        lessee=LESSEE,
        lessor="华东星河融资租赁有限公司",
    )
    story.say(
        f"Net assets are {telling.yuan(SMALL[0])}: one lessee may owe 30 %, {telling.yuan(SMALL[0] * 3 // 10)}. With "
        "the last signature the process makes the lease, and the gate refuses it"
    )
    contract = await sign_contract(story, application, deal, keys)
    story.chapter("The limits of the portfolio, and the lease")
    lease = await _lease(story, offer, application, contract)
    story.chapter("Paid, and charged back")
    await _paid_and_charged_back(story, lease)
    story.chapter("Demand and cure")
    await _demand(story, lease)
    await _cure(story, lease)
    story.chapter("Settled early")
    await _settled(story, lease)


async def _older_leases(story: Story) -> None:
    story.say("Three leases of 95,000.00 each, without interest, due in one sum in December 2028, are taken over")
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
            subject=story.id(f"older lessee {number}"),
        )
        lease = story.id(f"older lease {number}")
        at = taken_over_on(story.tenant, lease, FIRST)
        await take_over(story.program, LEASE, lease, at, create, RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
        await story.settle(hidden=True)
    story.balance()


async def _consents(story: Story) -> None:
    await may_not(story, Purpose.CREDIT_INQUIRY, "bureau_a", "consent.missing", use="application")
    until = date(2028, 3, 31)
    written = ["application"]
    await consent(story, Purpose.CREDIT_INQUIRY, ["bureau_a"], until, uses=written, clause="credit_information")
    await consent(story, Purpose.THIRD_PARTIES, ["ctid", "carrier_a"], until, clause="personal_data")
    await consent(story, Purpose.BIOMETRICS, ["ctid"], until, clause="personal_data")
    await consent(story, Purpose.WHEREABOUTS, ["tracker_a"], until, clause="vehicle_tracker")
    await may(story, Purpose.CREDIT_INQUIRY, "bureau_a", use="application")
    await may_not(story, Purpose.CREDIT_INQUIRY, "bureau_a", "consent.use_not_agreed", use="marketing")


async def _intake(story: Story, application: UUID) -> None:
    draft = DraftApplication(
        reference="A-2026-0412",
        asset_class=AssetClass.VEHICLE,
        product="new_car",
        channel="dealer",
        amount_fen=PRICE_FEN,
        currency="CNY",
        subject=story.id("lessee"),
        name=LESSEE.name,
        identity_number=LESSEE.identity_number,
        phone=LESSEE.phone,
        address=LESSEE.address,
    )
    await story.ask(APPLICATION, application, draft, by=APPLICANT)
    documents = [
        (DocumentKind.IDENTITY_CARD_FRONT, "0.99"),
        (DocumentKind.IDENTITY_CARD_BACK, ""),
        (DocumentKind.DRIVING_LICENCE, "0.71"),
    ]
    await hand_in(story, application, documents)
    await story.ask(APPLICATION, application, StartVerification())
    identity, face = RecordIdentityVerified(provider="ctid"), RecordLivenessPassed(provider="ctid")
    await story.ask(APPLICATION, application, identity, face, RecordCarrierNameMatched(provider="carrier_a"), by=SYSTEM)
    story.say("A vehicle identification number with one wrong character, and the right one")
    wrong = IdentifyVehicle(provider="dealer_scan", vin=VIN[:-1] + "9")
    await story.refuse(APPLICATION, application, wrong, "application.vin_invalid")
    await story.ask(APPLICATION, application, IdentifyVehicle(provider="dealer_scan", vin=VIN))
    await story.ask(APPLICATION, application, RecordOdometerReading(reading_km=12, provider="dealer_scan"))
    await checked(story, application)


# --------------------------------------------------------------------------------------------------- offer


def _request(down_payment_fen: int) -> Request:
    return Request(
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


def _offer(story: Story) -> tuple[Offer, Terms]:
    request = _request(DOWN_FEN)
    found = match(shipped_plans(), request.customer, request.asset, Wish(PRICE_FEN, 24, story.today))
    story.say("The plans that fit a new car over 24 months, the lowest rate first")
    story.show(f"    {one.plan.id:<28}{one.rate:>7}  {one.plan.zh}" for one in found.fits)
    less = quote(_request(4_000_000))
    assert isinstance(less, Refusal), "the plan asks for 30 %"
    story.refused("40,000.00 down", less, "offer.down_payment")
    story.say(f"{PLAN.id}: 30 % down, 1.5 % of what is financed up front, a balloon of 30 %")
    offer, terms = priced(request)
    story.show(telling.offer(offer))
    return offer, terms


async def _decision(story: Story, application: UUID, terms: Terms) -> None:
    story.say("The driving licence was read with too little confidence, so a person judges")
    await story.refuse(APPLICATION, application, ApproveApplication(terms=terms), "application.checks_open")
    await story.ask(APPLICATION, application, ReferApplication(reasons=("driving_licence_unreadable",)))
    await story.ask(APPLICATION, application, RequestHumanReview(), by=APPLICANT)
    await story.refuse(
        APPLICATION, application, CompleteHumanReview(finding=Finding.CONFIRMED), "application.reviewer_not_entitled",
        by=APPLICANT,
    )  # fmt: skip
    await story.ask(APPLICATION, application, CompleteHumanReview(finding=Finding.CONFIRMED), by=RISK_OFFICER)
    story.say("A machine would need the person's consent to decide, and there is none; the person who judges does not")
    machine = DeclineApplication(reasons=("licence",))
    await story.refuse(APPLICATION, application, machine, "consent.missing", by=SYSTEM)
    await story.ask(
        APPLICATION, application, FinaliseTerms(terms=terms), ApproveApplication(terms=terms), by=RISK_OFFICER
    )
    story.say("An offer with a word that blurs what it is, and one with honest words")
    await accepted(story, application, title="新车融资租赁，两年期，含尾款", forbidden="新车以租代购，轻松开走")


# --------------------------------------------------------------------------------------------------- lease


async def _lease(story: Story, offer: Offer, application: UUID, contract: UUID) -> UUID:
    """The lease that the process was refused is made by a person, once there is room."""
    lease = lease_stream(contract)
    create = lease_of(offer, PLAN, await story.state(CONTRACT, contract), contract)
    await story.refuse(LEASE, lease, create, "portfolio.one_lessee")
    story.say(f"New capital: net assets of {telling.yuan(LARGE[0])}. The lease has room, as its contract says it")
    net_assets(story, *LARGE)
    await story.refuse(LEASE, lease, replace(create, down_payment_fen=0), "lease.contract_differs")
    await story.refuse(LEASE, story.id("second lease"), create, "lease.not_of_its_contract")
    await story.ask(LEASE, lease, create, WaiveDeposit(decision=application))
    await story.mandate(lease)
    await story.until(DELIVERY)
    await story.ask(LEASE, lease, RecordDelivery(on=DELIVERY, proof=file("receipt")))
    await story.refuse(LEASE, lease, ActivateLease(on=DELIVERY), "lease.down_payment_open")
    story.say("The down payment goes through the lessor to the supplier, with all of the principal; the fee is billed")
    await story.ask(LEASE, lease, RecordDownPayment(fen=offer.down_payment_fen), ActivateLease(on=DELIVERY))
    story.balance()
    await story.until(date(2026, 4, 1))
    story.say("Interest of March: 15 of 31 days of 812.00; the month end has set aside 1.5 % of what is at risk")
    story.balance()
    return lease


async def _paid_and_charged_back(story: Story, lease: UUID) -> None:
    """Bill 1 is debited, and a month later the payer's bank takes it back; the debit of both bills fails for good."""
    story.fates[collection_stream(lease, FIRST_DUE).hex, 1] = Script(charged_back_after_days=25)
    story.fates[collection_stream(lease, SECOND_DUE).hex, 1] = Script(code="mandate_revoked")
    story.fates[collection_stream(lease, SECOND_DUE).hex, 2] = Script(code="account_closed")
    await story.until(date(2026, 4, 17))
    story.balance()
    await story.until(date(2026, 5, 11))
    story.say(
        "The payer's bank takes the money of bill 1 back, as a letter says in the morning and a callback in the "
        "evening: the account is as if it had never been paid"
    )
    back = RecordChargeback(attempt=1, reason="disputed")
    await story.ask(PAYMENT, collection_stream(lease, FIRST_DUE), back)
    await story.refuse(PAYMENT, collection_stream(lease, FIRST_DUE), back, "payment.charged_back_already")
    story.balance()
    story.say("The mandate rests until the next bill falls due; then both are asked for, in one channel and the other")
    await story.until(date(2026, 6, 1))
    story.say("Late fees of May: 3,610.88 × 0.05 % × 42 days, and × 10 days; three days of grace each")
    story.balance()
    story.provisions()


async def _demand(story: Story, lease: UUID) -> None:
    story.say("A demand gives a reasonable period, 15 days by the policy")
    remedy = ElectRemedy(remedy=Remedy.ACCELERATE)
    await story.refuse(LEASE, lease, remedy, "lease.no_demand")
    await story.refuse(LEASE, lease, ServeDemand(cure_by=date(2026, 6, 10)), "lease.cure_too_short")
    await story.ask(LEASE, lease, ServeDemand(cure_by=date(2026, 6, 16), proof=file("demand")))
    await story.refuse(LEASE, lease, remedy, "lease.cure_period_running")


async def _cure(story: Story, lease: UUID) -> None:
    """What was demanded is paid, late fees up to the day included."""
    await story.until(date(2026, 6, 12))
    state = await story.state(LEASE, lease)
    open_fen = sum(bill.open_fen for bill in assessed(state.account, story.today).balances.bills if bill.number <= 2)
    story.say(
        f"The lessee pays bills 1 and 2 with late fees up to today, {telling.yuan(open_fen)}: 2 × 3,610.88, and "
        "× 0.05 % × 54 and 22 days"
    )
    await _pay(story, lease, "cure", open_fen)
    await story.until(date(2026, 6, 17))
    story.say("The period has passed, and there is nothing left to ask for")
    await story.refuse(LEASE, lease, ElectRemedy(remedy=Remedy.ACCELERATE), "lease.default_too_small")
    await story.refuse(LEASE, lease, ServeDemand(cure_by=date(2026, 7, 10)), "lease.nothing_overdue")
    story.balance()
    story.provisions()


async def _pay(story: Story, lease: UUID, what: str, amount_fen: int) -> None:
    """Money from the app, through the second bank."""
    payment = story.id(f"payment:{what}")
    advance = InitiatePayment(lease=lease, bill=None, amount_fen=amount_fen, policy=BY_APP)
    await story.ask(PAYMENT, payment, advance, by=APPLICANT)


async def _settled(story: Story, lease: UUID) -> None:
    await story.until(date(2026, 7, 20))
    await story.refuse(LEASE, lease, CloseLease(), "lease.term_not_over")
    story.say("Four of 24 are paid; interest earned by 2026-07-22 is 6 of 32 days of 724.41, the fee 2 % of principal")
    await story.ask(LEASE, lease, QuoteEarlySettlement(as_of=date(2026, 7, 22), with_buyout=True))
    quoted = (await story.state(LEASE, lease)).quote
    await story.until(date(2026, 7, 22))
    story.say("The lessee ends the mandate, so that the last bill is not debited, and pays the quoted amount")
    await story.ask(MANDATE, mandate_stream(lease), RevokeMandate(reason="lessee"), by=APPLICANT)
    await story.refuse(LEASE, lease, SettleEarly(), "lease.credit_too_small")
    await _pay(story, lease, "settlement", quoted.amount_fen)
    await story.ask(LEASE, lease, SettleEarly(), CloseLease())
    await story.refuse(LEASE, lease, CloseLease(), "lease.closed")
    story.balance()
    await story.until(date(2026, 7, 23))
    story.say("The lessee takes back the consent to be located; what was done before stays lawful")
    await story.ask(CONSENT, story.id(f"consent:{Purpose.WHEREABOUTS}"), WithdrawConsent(channel="app"), by=APPLICANT)
    await may_not(story, Purpose.WHEREABOUTS, "tracker_a", "consent.withdrawn")
    await story.until(date(2026, 8, 1))
    story.balance()
    story.provisions()
