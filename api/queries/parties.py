"""Consents of persons."""

from __future__ import annotations

from api.exposed import Exposed
from api.permissions import Permission
from api.queries.engine.resources import Filter, Resource, reads_of
from domain.parties.consent import CONSENT, ConsentState
from projections.parties.consents import CONSENTS

_P = Permission
EXPOSED = (
    Exposed(
        decider=CONSENT,
        permissions={
            _P.CONSENT: "RequestConsent GrantConsent DeclineConsent RenewConsent WithdrawConsent ExpireConsent",
        },
    ),
)

READS = reads_of(
    Resource(CONSENT, CONSENTS, ConsentState, renamed={"person": "subject"}),
    Permission.READ_RECORDS,
    (
        Filter("subject", column="person", about="Only of this person."),
        Filter("purpose", about="Only for this purpose."),
        "state",
    ),
    columns="id subject purpose state granted_on expires_on withdrawn_on",
)
