"""Values of a payment: what a policy says about trying again, and the closed lists of reasons."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.money import Fen
from domain.kernel.values import Code, Digest

CHANNELS_MAX = 10
RETRIES_MAX = 10
SPACING_DAYS_MAX = 90
ATTEMPTS_MAX = CHANNELS_MAX * (RETRIES_MAX + 1)
FORGED_KEPT = 32
"""Forged callbacks of one payment that are recorded; more tell nothing new, and anybody can send them."""

CALLBACKS_KEPT = 32
"""Callbacks whose digests are remembered, so that a repeated one is known; older ones are told by their content."""

Attempt = Annotated[int, Meta(ge=1, le=ATTEMPTS_MAX)]
"""Attempts of one payment are numbered 1, 2, 3 … over all its channels."""

RefundNumber = Annotated[int, Meta(ge=1)]
"""The lease numbers its refunds 1, 2, 3 …; a payment knows a refund by that number."""

ProviderRef = Digest
"""SHA-256 of the provider's own reference: it can be compared with a statement and leads to nobody."""


class CollectionPolicy(Struct, frozen=True, kw_only=True):
    """How a payment is tried again; set by the tenant and kept in the payment's first event.

    `channels` in the order in which they are tried. After a failure there are `retries` more attempts in the same
    channel, the n-th `spacing_days[n-1]` days later (the last number serves for all further ones). A failure whose
    code is in `final_codes` is not tried again in that channel. Less than `minimum_fen` is not collected by itself: it
    waits until more is due.
    """

    channels: Annotated[
        tuple[Code, ...],
        Meta(
            min_length=1,
            max_length=CHANNELS_MAX,
            description="Payment channels, as codes, in the order in which they are tried.",
        ),
    ]
    retries: Annotated[int, Meta(ge=0, le=RETRIES_MAX, description="More attempts in one channel after a failure.")] = 3
    spacing_days: Annotated[
        Annotated[
            tuple[Annotated[int, Meta(ge=0, le=SPACING_DAYS_MAX)], ...], Meta(min_length=1, max_length=RETRIES_MAX)
        ],
        Meta(description="Days before each further attempt; the last number serves for all further ones."),
    ] = (1, 3, 7)
    final_codes: Annotated[
        tuple[Code, ...], Meta(max_length=50, description="Failures that are not tried again in the same channel.")
    ] = ("account_closed", "mandate_revoked")
    minimum_fen: Annotated[Fen, Meta(description="Less than this is not debited by itself, in fen.")] = 100


class Source(StrEnum):
    """Where an outcome was learnt: in the answer to the attempt itself, or by asking for it afterwards."""

    ANSWER = "answer"
    QUERY = "query"


class Ignored(StrEnum):
    """Why a callback changed nothing.

    `duplicate`: it, or what it says, is known. `late`: a failure of an attempt that is over. `forged`: its signature
    does not verify. `unknown`: no such attempt was made. `unresolved`: it reports a failure of an attempt whose outcome
    is unknown, which only a query may resolve. `early`: it takes back money that has not arrived here yet.
    """

    DUPLICATE = "duplicate"
    LATE = "late"
    FORGED = "forged"
    UNKNOWN = "unknown"
    UNRESOLVED = "unresolved"
    EARLY = "early"


class Reported(StrEnum):
    """What a callback reports."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CHARGED_BACK = "charged_back"
