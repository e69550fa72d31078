"""Words of the interface: what every field, parameter and header means, once, for the OpenAPI document."""

from __future__ import annotations

FIELDS: dict[str, str] = {
    "address": "Postal address. Personal: kept in the vault under the subject's key, never in the ledger.",
    "amount_fen": "Amount in the smallest unit of the currency (fen for CNY).",
    "annual_rate": "Rate per year as a decimal string; `0.0825` is 8.25 %.",
    "answer": "SHA-256 of the provider's answer, lower-case hex; the answer itself stays outside.",
    "asset_class": "What is leased.",
    "channel": "Where the case or the notice comes or goes through, as a code.",
    "confidence": "How sure the machine was, 0 to 1, as a decimal string.",
    "currency": "ISO 4217 code.",
    "deposit_fen": "Deposit in the smallest unit of the currency.",
    "digest": "SHA-256 of the file, lower-case hex; the file itself stays outside.",
    "document": "SHA-256 of the notice that was sent, lower-case hex.",
    "expires_on": "Last business date (Asia/Shanghai) on which the case may go on.",
    "finding": "What the person found.",
    "identity_number": "Identity number. Personal: kept in the vault, never in the ledger.",
    "kind": "Kind of the document.",
    "lane": "Name of the work queue.",
    "last_known_km": "What a register or an earlier owner's record says, in kilometres.",
    "media_type": "Media type of the file.",
    "months": "Months that the lease runs.",
    "name": "The applicant's name. Personal: kept in the vault, never in the ledger.",
    "phone": "Phone number. Personal: kept in the vault, never in the ledger.",
    "product": "Product, as a code.",
    "provider": "Who answered, as a code.",
    "reading_km": "Odometer reading in kilometres.",
    "reason": "Why, as a code.",
    "reasons": "Why, as codes, the weightiest first.",
    "reference": "The tenant's own business number; says nothing about a person.",
    "size_bytes": "Size of the file in bytes.",
    "subject": "The person that personal fields are about: `subject_` and 32 hex digits of a random id of yours.",
    "terms": "What is offered; `null` where not settled.",
    "vin": "Vehicle identification number (GB 16735). Personal: kept in the vault, never in the ledger.",
}
"""Fields of commands. A test holds every field of every command against this table."""

IDEMPOTENCY_KEY = (
    "Names this request: the same key with the same payload is done once and answered again with the same bytes "
    "(`Idempotent-Replayed: true`). 1 to 255 visible ASCII characters, bare or quoted; never personal data."
)
IF_MATCH = (
    "Optional: the version you decided on, as the ETag you were given, or `*`. Without it the command is decided on "
    "the version of the moment; every rule is checked again there, so nothing can be overwritten unseen."
)
CASE_ID = "The case that this application belongs to, `case_` and 32 hex digits; by default the application opens one."
AT_LEAST = "Wait (at most 5 s) until the answer is at least as new as this ledger position."
AS_OF_POSITION = "Answer as of this ledger position."
AS_OF = "Answer as of this instant of recording (RFC 3339); not together with `as_of_position`."
LEDGER_POSITION = "The ledger position that this answer is valid at."
ETAG = "The version of the resource, quoted."
REQUEST_ID = "Names this request in problems and logs."
REPLAYED = "`true` when this is the stored outcome of an earlier request with the same key."
LINK = "The next page (RFC 8288), where there is one."
LIMIT = "How many items at most."

DESCRIPTION = """\
Every command, decision and change is one immutable event in a gapless, Merkle-anchored ledger; this interface takes
commands, answers questions about now and about the past, and hands out proofs.

* **Closed without a key**: `Authorization: Bearer llk_…`. A key belongs to one tenant and has one role. What belongs to
  another tenant does not exist for it (404).
* **Commands** are POSTs on the noun they change. Each needs an `Idempotency-Key`. A rule that says no answers 409 with
  the rule's stable code and its statute.
* **Every answer says how fresh it is** in `Ledger-Position`; `at_least` waits for a position, `as_of_position` and
  `as_of` read the past.
* **Problems** are RFC 9457 documents in English or Chinese (`Accept-Language`), described under `/problems/`. They
  never repeat what was sent.
* **Amounts** are integers of the smallest unit beside an ISO 4217 code, rates are decimal strings, instants are
  RFC 3339 in UTC, business dates are days in Asia/Shanghai.
* **Proofs**: `/v1/receipts/…` for one event, `/tlog/…` for the whole log as C2SP tlog-tiles.
"""

TAGS = [
    {"name": "applications", "description": "Applications (进件): commands and their outcome."},
    {"name": "leases", "description": "Leases (租赁) and their bills, from the read models."},
    {"name": "books", "description": "The books of the whole tenant: journal, balances, ageing, cash, portfolio."},
    {"name": "events", "description": "What happened, in ledger order."},
    {"name": "evidence", "description": "Receipts, checkpoints, tiles: what anyone can verify."},
    {"name": "statistics", "description": "Read models of the whole tenant."},
    {"name": "service", "description": "Health and descriptions."},
]
