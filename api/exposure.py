"""Every aggregate that people command over HTTP: one declaration each; routes, permissions and words follow from it.

A declaration says under which plural it is found, which command creates one, which permission each command takes,
which fields the service fills in, and which commands are not for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from api import fills
from api.fills import Fill, Members
from api.permissions import Permission
from domain.contracts import clause as clauses_refusals
from domain.contracts.clause import CLAUSE, clause_stream
from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.offered import contract_stream
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.kernel.refusal import RefusalKind
from domain.leasing.admission import CONTRACT_LEASED, lease_stream
from domain.leasing.lease.rules.decider import LEASE
from domain.parties.consent import CONSENT
from domain.payments import mandate as mandate_refusals
from domain.payments.mandate import MANDATE, mandate_stream
from domain.payments.payment.rules import PAYMENT
from domain.payments.reconciliation import RECONCILIATION

_P = Permission
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


class Filled(Struct, frozen=True):
    """Fields of a command that no caller gives, and what gives them."""

    fields: tuple[str, ...]
    work: Fill


def _drawn(_: UUID, __: Members) -> None:
    """The stream does not follow from the payload."""


class Exposed(Struct, frozen=True, kw_only=True):
    """One aggregate on the wire. Commands stand by the names of their classes.

    `place` gives a new one its stream, where that follows from the payload, and `taken` says that it is there already;
    otherwise an id is drawn. `again` is the
    path segment of the creating command where it is also a change of what exists. `withheld` says why.
    """

    decider: Decider[Any]
    permissions: Mapping[Permission, str]
    filled: Mapping[str, Filled] = {}
    withheld: Mapping[str, str] = {}
    place: Callable[[UUID, Members], UUID | None] = _drawn
    taken: RefusalKind | None = None
    again: str = ""

    @property
    def noun(self) -> str:
        """What stands before its ids, and the first part of its event types."""
        return self.decider.name

    @property
    def plural(self) -> str:
        """What many of them are called."""
        return f"{self.noun}s"

    @property
    def commands(self) -> tuple[type[Command], ...]:
        """Every command, in the order of the aggregate's life."""
        return self.decider.commands

    @property
    def creator(self) -> type[Command]:
        """The command that opens a stream: the first of an aggregate."""
        return self.commands[0]

    @property
    def collection(self) -> str:
        """The address of all of them."""
        return f"/v1/{self.plural}"

    @property
    def permission_of(self) -> dict[str, Permission]:
        """Which permission each command takes."""
        return {name: permission for permission, names in self.permissions.items() for name in names.split()}


def snake(name: str) -> str:
    """`RouteToLane` → `route_to_lane`."""
    return _HUMP.sub("_", name).lower()


def _clause_stream(tenant: UUID, members: Members) -> UUID:
    return clause_stream(tenant, members["clause"])


def _contract_stream(_: UUID, members: Members) -> UUID | None:
    """An application has one contract; others are drawn."""
    application = members.get("application")
    return None if application is None else contract_stream(application)


def _lease_stream(_: UUID, members: Members) -> UUID | None:
    """A contract has one lease; without one there is none, and a rule says so."""
    return None if members.get("contract") is None else lease_stream(members["contract"])


def _mandate_stream(_: UUID, members: Members) -> UUID:
    """A lease has one mandate."""
    return mandate_stream(members["lease"])


_SOURCE = Filled(("source",), fills.looked_up)

APPLICATIONS = Exposed(
    decider=APPLICATION,
    permissions={
        _P.INTAKE: "DraftApplication SubmitApplication UploadDocument RecordDocumentExtraction RouteToLane "
        "RequestHumanReview WithdrawApplication ExpireApplication",
        _P.VERIFY: "StartVerification RecordIdentityVerified RecordIdentityFailed RecordLivenessPassed "
        "RecordLivenessFailed RecordCarrierNameMatched RecordCarrierNameMismatched IdentifyVehicle "
        "RecordOdometerReading CompleteVerification",
        _P.DECIDE: "ReferApplication FinaliseTerms ApproveApplication DeclineApplication IssueAdverseNotice",
        _P.REVIEW: "CompleteHumanReview",
        _P.OFFER: "SelectOffer CreateOffer PresentOffer RecordOfferReturned AcceptOffer CancelOffer DeclineOffer "
        "StartContracting CompleteApplication",
        _P.WORK: "ScheduleWork StartWork CompleteWork",
    },
)

CONSENTS = Exposed(
    decider=CONSENT,
    permissions={
        _P.CONSENT: "RequestConsent GrantConsent DeclineConsent RenewConsent WithdrawConsent ExpireConsent",
    },
)

CLAUSES = Exposed(
    decider=CLAUSE,
    permissions={_P.LIBRARY: "DraftClause PublishClause WithdrawClause"},
    place=_clause_stream,
    taken=clauses_refusals.EXISTS,
    again="draft",
)

CONTRACTS = Exposed(
    decider=CONTRACT,
    permissions={
        _P.CONTRACT: "AssembleContract PresentContract AcknowledgeDisclosure AnchorContract "
        "ProposeAmendment LapseAmendment CheckTexts",
        _P.SIGN_ON_TRUST: "SignContract SignAmendment",
        _P.END_CONTRACT: "TerminateContract FulfilContract VoidContract",
    },
    filled={
        "AssembleContract": Filled(("plan_digest", "form", "library"), fills.plan_of_contract),
        "ProposeAmendment": Filled(("library",), fills.clause_library),
        "SignContract": Filled((), fills.signed_on_trust),
        "SignAmendment": Filled((), fills.signed_on_trust),
    },
    place=_contract_stream,
    taken=contract_refusals.EXISTS,
)

LEASES = Exposed(
    decider=LEASE,
    permissions={
        _P.LEASE: "CreateLease WaiveDeposit PreauthoriseDeposit ReportDownPayment RecordDelivery ActivateLease "
        "QuoteBuyout CompleteBuyout QuoteEarlySettlement SettleEarly RenewLease RecordTotalLoss ReturnAsset CloseLease",
        _P.MONEY: "RecordDepositReceived ReleaseDeposit CaptureDeposit IssueBill AccrueInterest AssessLateFees "
        "PostPayment ReversePayment RefundCredit RecordDownPayment RefundDownPayment RemitToInvestor",
        _P.CONCEDE: "WaiveBill RestructureLease ReAgeBills TransferLease BuyBackLease ChargeOffLease",
        _P.ENFORCE: "ServeDemand RecordCureExpired ElectRemedy AccelerateLease TerminateLease RepossessAsset "
        "DisposeAsset",
    },
    filled={"CreateLease": Filled(("plan_digest", "business"), fills.plan_of_lease)},
    withheld={"ReturnRefund": "follows when a payment's provider does not pay a refund out"},
    place=_lease_stream,
    taken=CONTRACT_LEASED,
)

MANDATES = Exposed(
    decider=MANDATE,
    permissions={_P.COLLECT: "GrantMandate SuspendMandate ResumeMandate RevokeMandate ExpireMandate"},
    place=_mandate_stream,
    taken=mandate_refusals.EXISTS,
    again="grant",
)

PAYMENTS = Exposed(
    decider=PAYMENT,
    permissions={
        _P.COLLECT: "InitiatePayment RetryPayment CancelPayment",
        _P.MONEY: "RecordPending RecordSucceeded RecordFailed RecordOutcomeUnknown RecordRefunded RecordRefundFailed "
        "RecordChargeback",
    },
    filled={"RecordSucceeded": _SOURCE, "RecordFailed": _SOURCE},
    withheld={
        "ReceiveCallback": "says itself that a provider's signature verified; comes from the provider's door",
        "RefundPayment": "follows when a lease refunds credit through the payment",
    },
)

RECONCILIATIONS = Exposed(
    decider=RECONCILIATION,
    permissions={_P.RECONCILE: "ResolveBreak CloseReconciliation"},
    withheld=dict.fromkeys(("LoadStatement", "RecordMatching"), "matches provider statements at the end of a day"),
)

EXPOSED: tuple[Exposed, ...] = (APPLICATIONS, CONSENTS, CLAUSES, CONTRACTS, LEASES, MANDATES, PAYMENTS, RECONCILIATIONS)
"""In the order in which a case meets them."""

UNEXPOSED: Mapping[str, str] = {
    "provision": "recognised by the end of a day at month ends",
    "ledger": "a ledger is opened by whoever runs it, on the command line",
    "calendar": "business dates move by the explicit end of day on the command line",
}
"""Aggregates that nobody commands over HTTP, and why."""


def segment_of(command: type[Command], of: Exposed = APPLICATIONS) -> str:
    """`SubmitApplication` → `submit`, `RouteToLane` → `route_to_lane`, the one that creates → nothing."""
    return "" if command is of.creator else snake(command.__name__).removesuffix(f"_{of.noun}")
