"""Permissions, and the roles that have them. Every door asks this table, and only this table."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """Permission that a role may have."""

    INTAKE = "intake"
    VERIFY = "verify"
    DECIDE = "decide"
    REVIEW = "review"
    OFFER = "offer"
    WORK = "work"
    CONSENT = "consent"
    LIBRARY = "library"
    CONTRACT = "contract"
    SIGN_ON_TRUST = "sign_on_trust"
    END_CONTRACT = "end_contract"
    LEASE = "lease"
    MONEY = "money"
    CONCEDE = "concede"
    ENFORCE = "enforce"
    COLLECT = "collect"
    RECONCILE = "reconcile"
    QUOTE = "quote"
    READ_PLANS = "read_plans"
    READ_RECORDS = "read_applications"
    READ_EVENTS = "read_events"
    READ_STATISTICS = "read_statistics"
    READ_RECEIPTS = "read_receipts"
    READ_LOG_ENTRIES = "read_log_entries"
    READ_PERSONAL = "read_personal"
    READ_METRICS = "read_metrics"
    ACCESS = "access"
    TENANTS = "tenants"
    PROPOSE = "propose"
    RETRY = "retry"


_P = Permission
_READS = frozenset({_P.READ_RECORDS, _P.READ_PLANS, _P.READ_RECEIPTS, _P.READ_STATISTICS})

ROLES: dict[str, frozenset[Permission]] = {
    "operator": frozenset(_P),
    "merchant_admin": frozenset(_P) - {_P.READ_LOG_ENTRIES, _P.READ_METRICS, _P.TENANTS},
    "merchant_operator": _READS
    | {_P.INTAKE, _P.VERIFY, _P.REVIEW, _P.OFFER, _P.WORK}
    | {_P.CONSENT, _P.CONTRACT, _P.LEASE, _P.COLLECT, _P.QUOTE, _P.READ_PERSONAL, _P.PROPOSE},
    "risk_officer": _READS
    | {_P.VERIFY, _P.DECIDE, _P.REVIEW, _P.WORK, _P.READ_EVENTS}
    | {_P.CONCEDE, _P.ENFORCE, _P.END_CONTRACT, _P.QUOTE, _P.READ_PERSONAL, _P.PROPOSE},
    "collector": frozenset({_P.READ_RECORDS, _P.READ_RECEIPTS, _P.COLLECT, _P.ENFORCE, _P.READ_PERSONAL, _P.PROPOSE}),
    "auditor": _READS | {_P.READ_EVENTS, _P.READ_LOG_ENTRIES},
    "regulator": frozenset({_P.READ_PLANS, _P.READ_RECEIPTS, _P.READ_STATISTICS}),
    "court": frozenset({_P.READ_RECEIPTS}),
    # These see their own cases and devices only, which needs a narrower scope than a tenant.
    "lessee": frozenset(),
    "device_gateway": frozenset(),
}
"""The access model's table: what each role may do within its tenant.

Entry bundles of the log hold the entries of every tenant, and measures are of all of them: only the tenant that runs
the log is given either, see `tlog.tile` and `/metrics`. A human review is completed by the lessor's own people; that is
a rule of the domain.
"""
