"""Terms of business: what a tenant's offers and contracts take from the tenant and not from a plan."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.contracts.clause import Title
from domain.kernel.needs import Reference
from domain.kernel.values import Code
from domain.leasing.values import DownPaymentTo
from domain.pricing.parts import AssetKind

TERMS_OF_BUSINESS = Reference("terms_of_business")
"""The terms of business of the tenant."""


class TenantTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tenant's terms of business.

    `lessor` is the id of the lessor as a party, by default the tenant's own, `forum` the arbitration commission of its
    contracts, the courts without one. A contract's number begins with `reference_prefix`. `clause_of_consent` names the
    clause that explains a consent which a plan asks for, `lock_assets` the kinds of asset that are leased with the
    clause on locking, `down_payment_to` who is paid the down payment.
    """

    lessor: UUID | None = None
    forum: Title | None = None
    reference_prefix: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9]{0,15}$(?!\n)")] = "HT"
    clause_of_consent: dict[Code, Code] = {}
    lock_assets: tuple[AssetKind, ...] = ()
    down_payment_to: DownPaymentTo = DownPaymentTo.LESSOR
