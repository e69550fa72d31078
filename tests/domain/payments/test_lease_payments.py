"""What follows for a mandate when the contract of its lease is void: nothing is debited, until people say otherwise."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.contracts.contract.events import ContractVoided
from domain.kernel.needs import Facts, StreamState
from domain.kernel.process import FollowUp, Occurrence
from domain.leasing.admission import lease_stream
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import OPEN, LeasePhase, LeaseState
from domain.payments.lease_payments import LEASE_PAYMENTS
from domain.payments.mandate import MANDATE, MandatePhase, MandateState, SuspendMandate, mandate_stream
from tests.given import CONTEXT, TODAY

CONTRACT = UUID(int=0xC0)
OF = lease_stream(CONTRACT)
ITS_LEASE, ITS_MANDATE = StreamState(LEASE.name, OF), StreamState(MANDATE.name, mandate_stream(OF))
VOIDED = Occurrence(
    event=ContractVoided(reason="judgement", basis="b" * 64),
    stream=CONTRACT,
    tenant=CONTEXT.tenant,
    business_date=TODAY,
)


def followed(lease: LeaseState | None, mandate: MandateState | None) -> tuple[object, ...]:
    """What follows from the judgement."""
    reaction = LEASE_PAYMENTS.reacts[ContractVoided]
    facts: Facts = {ITS_LEASE: lease, ITS_MANDATE: mandate}
    assert set(reaction.needs(VOIDED, {})) == facts.keys()
    return tuple(reaction.follow(VOIDED, facts))


@pytest.mark.parametrize("phase", sorted(OPEN))
def test_the_mandate_rests(phase: LeasePhase) -> None:
    """Under a key beside that of its end, so that it may still end with the lease."""
    (rests,) = followed(LeaseState(phase=phase), MandateState(version=3, phase=MandatePhase.GRANTED))
    assert rests == FollowUp(
        decider=MANDATE, stream=mandate_stream(OF), key=f"lease:{OF.hex}:mandate:3:void",
        command=SuspendMandate(reason="contract_void"),
    )  # fmt: skip


def test_what_rests_or_ended_stays_as_it_is() -> None:
    runs = LeaseState(phase=LeasePhase.ACTIVE)
    for phase in set(MandatePhase) - {MandatePhase.GRANTED}:
        assert followed(runs, MandateState(phase=phase)) == ()
    granted = MandateState(phase=MandatePhase.GRANTED)
    assert followed(LeaseState(phase=LeasePhase.SETTLED), granted) == ()
    assert followed(None, None) == followed(runs, None) == ()
