"""Two writers: what a rule was judged by moves between the look and the append, and never goes unnoticed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import copy
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from adapters.postgres.ledger import Ledger
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.postgres.writing.sequencer import Append, Appended
from adapters.processes.subscription import Subscription
from adapters.system import new_id
from api.compose import Base, Running, running
from domain.contracts.clause import CLAUSE, DraftClause, PublishClause, clause_stream
from domain.contracts.contract.commands import ProposeAmendment, TerminateContract, VoidContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.offered import contract_stream
from domain.contracts.texts import text_digest
from domain.intake.application import commands as a
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.leasing.admission import lease_stream
from domain.leasing.lease.commands import CloseLease, PostPayment
from domain.leasing.lease.rules.decider import LEASE
from domain.parties.consent import CONSENT, WithdrawConsent
from domain.payments.mandate import MANDATE, GrantMandate, RevokeMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RecordFailed, RetryPayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from domain.pricing.parts import Form
from tests.adapters.lessor import DAY, EVERYTHING, MACHINE, Lessor, priced, wish
from tests.adapters.rules.test_leases import assembled, leasable

POLICY = CollectionPolicy(channels=("bank_a",), retries=2, spacing_days=(0,))
OWN_CLAUSE = DraftClause(
    clause="evidence",
    title="证据",
    gloss="Evidence",
    forms=(Form.OPERATING,),
    mandatory=True,
    text="由出租人自行制定。",
)


class OtherFirst:
    """A writer that lets somebody else go first, once: after the look and before the append."""

    def __init__(self, writer: GroupCommit, *by: Any) -> None:
        self._writer = writer
        self._by = by
        self.appends = 0

    async def append(self, append: Append) -> Appended:
        """The other's commands, then this append."""
        self.appends += 1
        if self.appends == 1:
            other, decider, stream, *commands = self._by
            await other.given(decider, stream, *commands)
        return await self._writer.append(append)


@pytest.fixture
async def other(lessor: Lessor, composed: Base) -> AsyncIterator[Lessor]:
    """The same tenant in another process, which knows the same people."""
    async with running(composed) as program:
        twin = copy(lessor)
        twin.program, twin.through = program, program.ledger
        yield twin


def behind(program: Running, writer: OtherFirst) -> Ledger:
    """The program's ledger behind another writer."""
    return Ledger(
        writer,  # type: ignore[arg-type]
        program.reader,
        program.vault,
        keys=program.keys,
        new_id=new_id,
        facts=program.facts,
    )


async def overtaken(
    lessor: Lessor,
    command: tuple[Decider[Any], UUID, Command],
    *,
    by: tuple[Lessor, Decider[Any], UUID, *tuple[Command, ...]],
    actor: Any = MACHINE,
    events: int = 1,
) -> str:
    """A command that would be granted, and that somebody overtakes: by which rule it is refused then."""
    program = lessor.program
    writer = OtherFirst(program.writer, *by)
    lessor.through = behind(program, writer)
    size = await program.reader.size()
    outcome = await lessor.ask(*command, by=actor)
    assert not isinstance(outcome, Appended), "what was judged is not true any more"
    assert writer.appends == 1, "the first judgement was a yes"
    assert await program.reader.size() == size + events, "the other's events, and nothing else"
    return outcome.code


async def test_a_providers_answer_and_a_withdrawal(lessor: Lessor, other: Lessor) -> None:
    application, consent = await lessor.verifying(), await lessor.consents(["third_parties"], ("bureau",))
    answer = APPLICATION, application, a.RecordIdentityVerified(provider="bureau")
    code = await overtaken(lessor, answer, by=(other, *withdrawal(consent)))
    assert code == "consent.withdrawn"


async def test_a_decision_by_machine_and_a_withdrawal(lessor: Lessor, other: Lessor) -> None:
    application, consent = await lessor.verifying(), await lessor.consents(["automated_decision"])
    decline = APPLICATION, application, a.DeclineApplication(reasons=("score",))
    assert await overtaken(lessor, decline, by=(other, *withdrawal(consent))) == "consent.withdrawn"


async def test_an_approval_by_machine_and_a_withdrawal(lessor: Lessor, other: Lessor) -> None:
    application, consent = await lessor.referred(), await lessor.consents(["automated_decision"])
    approve = APPLICATION, application, a.ApproveApplication(terms=priced(wish())[1])
    assert await overtaken(lessor, approve, by=(other, *withdrawal(consent))) == "consent.withdrawn"


def withdrawal(consent: UUID) -> tuple[Decider[Any], UUID, Command]:
    """The person takes a consent back."""
    return CONSENT, consent, WithdrawConsent(channel="app")


async def test_a_contract_and_the_end_of_its_application(
    lessor: Lessor, other: Lessor, origination: Subscription
) -> None:
    twin = Lessor(lessor.program)
    _, command = await assembled(twin, origination, wish())
    application = await lessor.accepted(wish())
    own = replace(
        command,
        application=application,
        parties=tuple(replace(one, id=lessor.person if one.turn == 1 else one.id) for one in command.parties),
    )
    give_up = other, APPLICATION, application, a.WithdrawApplication(reason="changed_mind")
    assembly = CONTRACT, contract_stream(application), own
    assert await overtaken(lessor, assembly, by=give_up) == "contract.offer_not_accepted"


CHANGED_MIND = a.WithdrawApplication(reason="changed_mind")


async def in_contracting(lessor: Lessor, origination: Subscription) -> tuple[UUID, UUID]:
    """An application with its contract, which nobody has seen yet."""
    await lessor.consents()
    application = await lessor.accepted(wish())
    await origination.catch_up()
    return application, contract_stream(application)


async def signing_steps(lessor: Lessor, contract: UUID) -> tuple[Command, ...]:
    """What people do with a contract until it is in force, in their order."""
    steps: list[Command] = []
    given = lessor.given

    async def noted(decider: Decider[Any], stream: UUID, *commands: Command, **_: Any) -> None:
        steps.extend(commands)

    lessor.given = noted  # type: ignore[method-assign]
    await lessor.signed(contract)
    lessor.given = given  # type: ignore[method-assign]
    return tuple(steps)


@pytest.mark.parametrize("step", range(4), ids=["present", "acknowledge", "sign", "last_signature"])
async def test_a_step_to_a_contract_and_the_end_of_its_application(
    lessor: Lessor, other: Lessor, origination: Subscription, step: int
) -> None:
    application, contract = await in_contracting(lessor, origination)
    steps = await signing_steps(lessor, contract)
    assert len(steps) == 4
    await lessor.given(CONTRACT, contract, *steps[:step])
    gives_up = other, APPLICATION, application, CHANGED_MIND
    assert await overtaken(lessor, (CONTRACT, contract, steps[step]), by=gives_up) == (
        "contract.application_not_contracting"
    )


@pytest.mark.parametrize("end", [CHANGED_MIND, a.ExpireApplication()], ids=["withdraw", "expire"])
async def test_the_end_of_an_application_and_the_last_signature(
    lessor: Lessor, other: Lessor, origination: Subscription, end: Command
) -> None:
    lessor.expires_on = DAY
    application, contract = await in_contracting(lessor, origination)
    *steps, last = await signing_steps(lessor, contract)
    await lessor.given(CONTRACT, contract, *steps)
    lessor.today = DAY + timedelta(days=1)
    signs = other, CONTRACT, contract, last
    code = await overtaken(lessor, (APPLICATION, application, end), by=signs, events=2)
    assert code == "application.contract_in_force"


async def test_the_end_of_a_contract_and_its_lease(lessor: Lessor, other: Lessor) -> None:
    """The other order of a lease and the end of its contract."""
    end = TerminateContract(reason="x")
    await lessor.consents()
    contract, create = await leasable(lessor, wish())
    leases = other, LEASE, lease_stream(contract), create
    assert await overtaken(lessor, (CONTRACT, contract, end), by=leases) == "contract.lease_not_settled"


async def test_the_end_of_an_application_and_its_lease(
    lessor: Lessor, other: Lessor, origination: Subscription
) -> None:
    """A lease opens again while its application, whose contract was declared void, is given up."""
    application, contract = await in_contracting(lessor, origination)
    await lessor.signed(contract)
    await origination.catch_up()
    lease = lease_stream(contract)
    await lessor.given(LEASE, lease, CloseLease())
    await lessor.given(CONTRACT, contract, VoidContract(reason="judgement", basis="b" * 64))
    state = await lessor.lease(lease)
    assert state is not None
    later = other, LEASE, lease, PostPayment(payment=uuid4(), amount_fen=1, value_date=DAY)
    writer = OtherFirst(lessor.program.writer, *later)
    lessor.through = behind(lessor.program, writer)
    (await lessor.when(APPLICATION, application, CHANGED_MIND)).granted()
    assert writer.appends == 2, "the lease moved, and the rule was judged again"


async def test_a_contract_and_the_first_draft_of_a_clause(
    lessor: Lessor, other: Lessor, origination: Subscription
) -> None:
    """The phantom: no stream of the tenant's own clause was there to be read."""
    _, command = await assembled(lessor, origination, wish())
    assembly = CONTRACT, uuid4(), replace(command, application=None)
    drafts = other, CLAUSE, clause_stream(lessor.tenant, OWN_CLAUSE.clause), OWN_CLAUSE
    assert await overtaken(lessor, assembly, by=drafts) == "contract.library_differs"


async def test_a_contract_and_a_further_clause(lessor: Lessor, other: Lessor, origination: Subscription) -> None:
    """The other phantom: a mandatory clause under a code that nobody named."""
    _, command = await assembled(lessor, origination, wish())
    assembly = CONTRACT, uuid4(), replace(command, application=None)
    further = replace(OWN_CLAUSE, clause="further")
    publish = PublishClause(version=1, digest=text_digest(str(further.text)), effective_from=DAY)
    releases = other, CLAUSE, clause_stream(lessor.tenant, further.clause), further, publish
    assert await overtaken(lessor, assembly, by=releases, events=2) == "contract.library_differs"


async def test_a_contract_and_a_clause_of_another_tenant(lessor: Lessor, origination: Subscription) -> None:
    """What a stranger begins judges nobody again."""
    _, command = await assembled(lessor, origination, wish())
    stranger = Lessor(lessor.program)
    drafts = stranger, CLAUSE, clause_stream(stranger.tenant, "further"), replace(OWN_CLAUSE, clause="further")
    writer = OtherFirst(lessor.program.writer, *drafts)
    lessor.through = behind(lessor.program, writer)
    assembled_again = await lessor.when(CONTRACT, uuid4(), replace(command, application=None))
    assembled_again.then("clause.drafted.v1", "contract.assembled.v1")
    assert writer.appends == 1


async def test_an_amendment_and_the_first_draft_of_a_clause(
    lessor: Lessor, other: Lessor, origination: Subscription
) -> None:
    stream, command = await assembled(lessor, origination, wish())
    await lessor.signed(stream)
    amendment = ProposeAmendment(
        key_terms=replace(command.key_terms, grace_days=command.key_terms.grace_days + 1), clauses=command.clauses,
        library=command.library, document="d" * 64, disclosed=EVERYTHING, reason="hardship",
    )  # fmt: skip
    drafts = other, CLAUSE, clause_stream(lessor.tenant, OWN_CLAUSE.clause), OWN_CLAUSE
    assert await overtaken(lessor, (CONTRACT, stream, amendment), by=drafts) == "contract.library_differs"


async def test_a_lease_and_the_end_of_its_contract(lessor: Lessor, other: Lessor) -> None:
    await lessor.consents()
    contract, create = await leasable(lessor, wish())
    ends = other, CONTRACT, contract, TerminateContract(reason="default")
    assert await overtaken(lessor, (LEASE, lease_stream(contract), create), by=ends) == "contract.not_in_force"


async def test_a_lease_and_a_withdrawal(lessor: Lessor, other: Lessor) -> None:
    contract, create = await leasable(lessor, wish())
    consent = await lessor.consents(["third_parties"])
    lease = LEASE, lease_stream(contract), create
    assert await overtaken(lessor, lease, by=(other, *withdrawal(consent))) == "consent.withdrawn"


@pytest.mark.parametrize("again", [False, True], ids=["initiate", "retry"])
async def test_a_debit_and_the_end_of_its_mandate(lessor: Lessor, other: Lessor, again: bool) -> None:
    await lessor.consents()
    contract, create = await leasable(lessor, wish())
    lease, payment = lease_stream(contract), uuid4()
    mandate = mandate_stream(lease)
    await lessor.given(LEASE, lease, create)
    await lessor.given(MANDATE, mandate, GrantMandate(lease=lease, reference="DD-1", policy=POLICY, limit_fen=5_000))
    debit: Command = InitiatePayment(lease=lease, bill=None, amount_fen=5_000, policy=POLICY, mandate="DD-1")
    if again:
        await lessor.given(PAYMENT, payment, debit, RecordFailed(attempt=1, code="insufficient_funds"))
        debit = RetryPayment(attempt=2, amount_fen=5_000)
    revoked = other, MANDATE, mandate, RevokeMandate(reason="lessee")
    assert await overtaken(lessor, (PAYMENT, payment, debit), by=revoked) == "mandate.not_granted"


async def test_a_debit_and_a_judgement_on_its_contract(lessor: Lessor, other: Lessor) -> None:
    await lessor.consents()
    contract, create = await leasable(lessor, wish())
    lease = lease_stream(contract)
    await lessor.given(LEASE, lease, create)
    debit = InitiatePayment(lease=lease, bill=None, amount_fen=5_000, policy=POLICY)
    void = other, CONTRACT, contract, VoidContract(reason="judgement", basis="b" * 64)
    assert await overtaken(lessor, (PAYMENT, uuid4(), debit), by=void) == "contract.not_in_force"


async def test_money_by_hand_and_a_payment_of_that_name(lessor: Lessor, other: Lessor) -> None:
    """The phantom: no payment of that name was there to be read."""
    await lessor.consents()
    contract, create = await leasable(lessor, wish())
    lease, payment = lease_stream(contract), uuid4()
    await lessor.given(LEASE, lease, create)
    begins = other, PAYMENT, payment, InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
    by_hand = LEASE, lease, PostPayment(payment=payment, amount_fen=500, value_date=DAY)
    assert await overtaken(lessor, by_hand, by=begins, events=2) == "lease.payment_of_the_ledger"


async def test_a_withdrawal_behind_the_act_changes_nothing(lessor: Lessor, other: Lessor) -> None:
    """The other order: what was written first stands (个人信息保护法 15)."""
    application, consent = await lessor.verifying(), await lessor.consents(["third_parties"], ("bureau",))
    await lessor.given(APPLICATION, application, a.RecordIdentityVerified(provider="bureau"), by=MACHINE)
    await other.withdrawn(consent)
    assert (await lessor.types(application))[-1] == "identity_verified"
