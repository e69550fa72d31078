"""A tenant that does business through the ledger alone, and the steps of a case up to a signed contract."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from adapters.postgres.ledger import Ledger, Request
from adapters.postgres.writing.sequencer import Appended
from adapters.pricing.quotes import offer_of
from adapters.reference import policies, prudential
from adapters.reference.plans import shipped_plans
from adapters.system import new_id
from api.compose import Running
from domain.contracts.contract.commands import AcknowledgeDisclosure, PresentContract, SignContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.contracts.contract.values import Disclosure, Signature, SignatureLevel, SignatureMethod
from domain.contracts.offered import contract_stream
from domain.intake.application import commands as a
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import Terms
from domain.intake.offers import priced_of, terms_of
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider
from domain.kernel.needs import StreamState
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass, ClauseRef
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeaseState
from domain.parties.consent import CONSENT, GrantConsent, RequestConsent, WithdrawConsent
from domain.parties.purposes import Purpose
from domain.pricing.matching import Asset, Customer
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass
from domain.pricing.plans import Plan
from domain.pricing.quoting import QuoteRequest as Wish
from tests.given import Written, appended

DAY = date(2026, 3, 9)
OFFICER = Actor("risk_officer", "officer_1")
MACHINE = Actor("system", "intake")
EVERYTHING = tuple(Disclosure)
CLAUSE = ClauseRef(clause="personal_data", version=1, digest="c" * 64)
PHONE = next(plan for plan in shipped_plans() if plan.id == "phone_return")
CAR = next(plan for plan in shipped_plans() if plan.id == "new_car_direct_level")
PURPOSES = ("automated_decision", "biometrics", "credit_inquiry", "third_parties", "whereabouts")


def wish(plan: Plan = PHONE, **change: Any) -> Wish:
    """A telephone for a year, or a car for two, without anything special."""
    car = plan is CAR
    made = Wish(
        plan=plan,
        customer=Customer(CustomerClass.INDIVIDUAL, 720),
        asset=Asset(AssetKind.NEW_CAR if car else AssetKind.PHONE),
        price_fen=15_000_000 if car else 600_000,
        term=24 if car else 12,
        start=DAY,
        market_price_fen=15_000_000 if car else 600_000,
        down_payment_fen=4_500_000 if car else 0,
    )
    return replace(made, **change)


def priced(of: Wish) -> tuple[Offer, Terms]:
    """The offer of a wish, and the terms that an application takes for it."""
    offer = offer_of(of)
    assert isinstance(offer, Offer), offer.sentence()
    return offer, terms_of(offer, priced_of(of, offer))


class Lessor:
    """One tenant and one person on a running ledger. `through` is the ledger that takes the commands."""

    def __init__(self, program: Running) -> None:
        self.program = program
        self.through: Ledger = program.ledger
        self.tenant, self.person, self.case = new_id(), new_id(), new_id()
        self.today, self.expires_on = DAY, date(2099, 1, 1)
        self.may_cost("0.36")

    def may_cost(self, cap: str) -> None:
        """What the tenant's offers may cost, from now on."""
        policy = {"version": 1, "lessor": "licensed_finance", "own_cap": cap}
        self._write(policies.FILE, policy)

    def has(self, net_assets_fen: int, **more: Any) -> None:
        """What the tenant says of its balance sheet, from now on."""
        self._write(prudential.FILE, {"net_assets_fen": net_assets_fen, "total_assets_fen": 0, **more})

    def _write(self, name: str, row: dict[str, Any]) -> None:
        path = self.program.settings.data / name
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(known | {str(self.tenant): row}))

    # ---------------------------------------------------------------------------------------------- commands

    async def ask(
        self, decider: Decider[Any], stream: UUID, command: Command, by: Actor = OFFICER, key: str = ""
    ) -> Appended | Refusal:
        """One command through the ledger."""
        context = Context(
            tenant=self.tenant,
            actor=by,
            correlation=self.case,
            now=datetime.combine(self.today, time(3), UTC),
            business_date=self.today,
        )
        request = Request(stream=stream, key=key or new_id().hex, command=command, context=context)
        return await self.through.execute(decider, request)

    async def given(self, decider: Decider[Any], stream: UUID, *commands: Command, by: Actor = OFFICER) -> None:
        """Commands that are granted."""
        for command in commands:
            outcome = await self.ask(decider, stream, command, by)
            assert not isinstance(outcome, Refusal), f"{type(command).__name__}: {outcome.sentence()}"

    async def when(self, decider: Decider[Any], stream: UUID, command: Command, by: Actor = OFFICER) -> Written:
        """One command, and what the ledger holds afterwards."""
        before = await self.program.reader.size()
        answer = await self.ask(decider, stream, command, by)
        return Written(answer, await appended(self.program, before))

    async def types(self, stream: UUID) -> list[str]:
        """Types of the events of a stream, without the aggregate's name and the version."""
        return [stored.parsed().type.split(".")[1] for stored in await self.program.reader.stream(stream)]

    # ------------------------------------------------------------------------------------------------- steps

    async def consents(self, purposes: Sequence[str] = PURPOSES, recipients: tuple[str, ...] = ("lessor",)) -> UUID:
        """Granted consents of the person, one for each purpose; gives the last one's stream."""
        stream = new_id()
        for purpose in purposes:
            stream = new_id()
            uses = ("application",) if purpose == "credit_inquiry" else ()
            asked = RequestConsent(
                subject=self.person,
                purpose=Purpose(purpose),
                recipients=recipients,
                clause=CLAUSE,
                expires_on=date(2099, 1, 1),
                uses=uses,
            )
            yes = GrantConsent(
                recipients=recipients, clause=CLAUSE, expires_on=date(2099, 1, 1), uses=uses, evidence="e" * 64
            )
            await self.given(CONSENT, stream, asked, yes)
        return stream

    async def withdrawn(self, consent: UUID) -> None:
        """The person takes a consent back."""
        await self.given(CONSENT, consent, WithdrawConsent(channel="app"))

    async def verifying(self, asset: AssetClass = AssetClass.PHONE) -> UUID:
        """An application whose checks are under way."""
        stream = new_id()
        draft = a.DraftApplication(
            reference="A-1", asset_class=asset, product="lease", channel="app", amount_fen=600_000, currency="CNY",
            subject=self.person, expires_on=self.expires_on,
        )  # fmt: skip
        await self.given(
            APPLICATION,
            stream,
            draft,
            a.SubmitApplication(),
            a.StartVerification(),
        )
        return stream

    async def referred(self, asset: AssetClass = AssetClass.PHONE) -> UUID:
        """An application that a person judges."""
        stream = await self.verifying(asset)
        await self.given(
            APPLICATION,
            stream,
            a.CompleteVerification(),
            a.ReferApplication(reasons=("by_hand",)),
        )
        return stream

    async def accepted(self, of: Wish) -> UUID:
        """An application whose priced offer is accepted."""
        _, terms = priced(of)
        stream = await self.referred(of.asset.kind.asset_class)
        await self.given(
            APPLICATION, stream,
            a.FinaliseTerms(terms=terms), a.ApproveApplication(terms=terms), a.SelectOffer(),
            a.CreateOffer(), a.PresentOffer(), a.AcceptOffer(),
        )  # fmt: skip
        return stream

    async def signed(self, contract: UUID) -> None:
        """A contract that stands assembled is shown, confirmed and signed by all."""
        state = await self.contract(contract)
        shown = PresentContract(root=state.root, document="d" * 64, disclosed=EVERYTHING, channel="app")
        confirmed = AcknowledgeDisclosure(party=self.person, root=state.root, items=EVERYTHING)
        await self.given(CONTRACT, contract, shown, confirmed)
        before = "d" * 64
        for number, party in enumerate(state.parties, start=1):
            after = f"{number:064x}"
            signature = Signature(
                party=party.id,
                document=before,
                signed=after,
                certificate="e" * 64,
                level=SignatureLevel.B_B,
                method=SignatureMethod.VENDOR,
            )
            await self.given(CONTRACT, contract, SignContract(signature=signature))
            before = after

    async def contract(self, stream: UUID) -> ContractState:
        """The contract as the ledger has it."""
        state: ContractState | None = await self.state(CONTRACT, stream)
        assert state is not None, "there is a contract"
        return state

    async def lease(self, stream: UUID) -> LeaseState | None:
        """The lease as the ledger has it."""
        state: LeaseState | None = await self.state(LEASE, stream)
        return state

    async def state(self, decider: Decider[Any], stream: UUID) -> Any:
        """The state of a stream as the ledger has it, if there is one."""
        need = StreamState(decider.name, stream)
        return (await self.program.facts.facts(self.tenant, lambda _: (need,)))[need]


__all__ = ["CAR", "DAY", "MACHINE", "OFFICER", "PHONE", "Lessor", "contract_stream", "priced", "wish"]
