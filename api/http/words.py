"""Words of the interface: what every field, parameter and header means, once, for the OpenAPI document."""

from __future__ import annotations

FIELDS: dict[str, str] = {
    "acknowledged": "Key terms that the signing party confirmed one by one.",
    "address": "Postal address. Personal: kept in the vault under the subject's key, never in the ledger.",
    "adjustment": "Where a due date goes that is no business day (ISDA 2006 §4.12); Chinese public holidays are known.",
    "allocation": "Every component once, the one that is paid first in front.",
    "amount_fen": "Amount in the smallest unit of the currency (fen for CNY).",
    "anchor": "Whose record holds the root, as a code.",
    "annual_rate": "Rate per year as a decimal string; `0.0825` is 8.25 %.",
    "answer": "SHA-256 of the provider's answer, lower-case hex; the answer itself stays outside.",
    "application": "The application: `application_` and 32 hex digits.",
    "apr": "Annual percentage rate as a decimal string.",
    "as_of": "The day that the quote is for.",
    "asset_class": "What is leased.",
    "asset_kind": "What is to be leased.",
    "attempt": "Number of the attempt, from 1.",
    "basis": "SHA-256 of the award, judgement or agreement, lower-case hex.",
    "bill": "Number of the bill, or null for an advance.",
    "bill_lead_days": "Days before its due date from which a bill may be issued.",
    "business_date": "Business date in Asia/Shanghai; today by default.",
    "buyout_credit_ppm": "Share of the rent paid that reduces the price of the asset, in millionths.",
    "buyout_fen": "Price of the asset at the end, in fen.",
    "upfront_fee_fen": "Fees of the first day, in fen.",
    "buyout_floor_fen": "Least price of the asset, in fen.",
    "certificate": "SHA-256 of the signer's certificate, lower-case hex.",
    "channel": "Where the case, the notice or the word comes or goes through, as a code.",
    "channels": "Payment channels, as codes, in the order in which they are tried.",
    "clause": "The clause: its code, or its code, version and digest together.",
    "clauses": "Clause versions in the order of the contract, each with the digest of its text.",
    "code": "Why it failed, as a code.",
    "collect_on": "The day on which to collect; at once without it.",
    "component": "Which part of a bill.",
    "confidence": "How sure the machine was, 0 to 1, as a decimal string.",
    "contract": "The executed contract: `contract_` and 32 hex digits. It must say the same.",
    "costs_fen": "What the sale cost, in fen.",
    "cure_by": "The day by which the lessee is called upon to pay.",
    "currency": "ISO 4217 code.",
    "customer_class": "Who leases.",
    "decision": "The credit decision: `decision_` and 32 hex digits of your own id.",
    "deposit_fen": "Deposit in the smallest unit of the currency.",
    "deposit_mode": "How the deposit is secured.",
    "digest": "SHA-256 of the file or text, lower-case hex; a file itself stays outside.",
    "disclosed": "Key terms that were shown apart from the small print.",
    "document": "SHA-256 of the document, lower-case hex; the document itself stays outside.",
    "down_payment_fen": "Down payment (首付), not financed, in fen; of a quote by default the plan's least.",
    "down_payment_to": "Who gets the down payment: the lessor, who passes it on, or the supplier at once.",
    "due_dates": "Bills and the days on which they are due instead.",
    "due_on": "Due date.",
    "early_settlement_rate": "Share of the remaining principal that settling early costs, a decimal string.",
    "effective_from": "First business date on which contracts may hold it.",
    "evidence": "SHA-256 of the record of the person's act, lower-case hex.",
    "expires_on": "Last business date (Asia/Shanghai) on which the case may go on, or the consent stands.",
    "fee_fen": "Fee of the instalment in fen.",
    "fen": "Amount in the smallest unit of the lease's currency.",
    "final_codes": "Failures that are not tried again in the same channel.",
    "financed_fen": "What is financed, in fen.",
    "finding": "What the person found.",
    "first_due_on": "Due date of the first instalment.",
    "form": "Form of lease.",
    "forms": "Forms of lease that it is written for.",
    "forum": "The arbitration commission; null for the courts.",
    "gloss": "In English, what the clause is about.",
    "grace_days": "Days after the due date without a late fee.",
    "how": "How the break was resolved.",
    "hold": "The number of the hold; says nothing about a person.",
    "id": "The party: `party_` and 32 hex digits; for a person those of its `subject_` id.",
    "identity_number": "Identity number. Personal: kept in the vault, never in the ledger.",
    "instalments": "How many instalments there are.",
    "interest_fen": "Interest of the instalment in fen.",
    "investor": "The investor: `investor_` and 32 hex digits of your own id.",
    "irr": "Internal rate of return per year as a decimal string.",
    "items": "Key terms that the party confirmed one by one.",
    "key_terms": "What the contract costs and takes.",
    "kind": "Kind of the document.",
    "lane": "Name of the work queue.",
    "last_due_on": "Due date of the last instalment.",
    "last_known_km": "What a register or an earlier owner's record says, in kilometres.",
    "late_fee_daily_rate": "Late fee per day of what is unpaid, as a decimal string.",
    "lease": "The lease: `lease_` and 32 hex digits.",
    "level": "Baseline level of the PAdES signature.",
    "liable": "Whether the lessee answers for the loss of a rented device.",
    "lock": "Whether the device can be locked.",
    "loss_case": "The loss case: `loss_case_` and 32 hex digits of your own id.",
    "limit_fen": "The most that one debit may ask for, in fen; no limit without it.",
    "mandate": "The number of the direct-debit mandate; says nothing about a person.",
    "mandatory": "Whether no contract of these forms is without it.",
    "market_price_fen": "What the asset costs elsewhere on the day, in fen, from a source that is not the lessor.",
    "media_type": "Media type of the file.",
    "minimum_fen": "Less than this is not debited by itself, in fen.",
    "method": "How it is known that the party signed; `pades` only by handing the signed file in.",
    "month_end": "A first due date on the last day of a month makes all of them last days.",
    "months": "Months that the lease runs.",
    "name": "The applicant's name. Personal: kept in the vault, never in the ledger.",
    "notice_reached_on": "The day on which the notice reached the lessee.",
    "number": "Number of the bill (0 is the fee up front), the instalment, the refund or the break, from 1.",
    "on": "The day on which it happened, in Asia/Shanghai.",
    "paid_out_fen": "What a lease-back really pays to the lessee, in fen; by default all that is financed.",
    "parties": "Everybody who signs: exactly one lessor and one lessee among them.",
    "parts": "How much of which component.",
    "party": "The party: `party_` and 32 hex digits; for a person those of its `subject_` id.",
    "payment": "The payment: `payment_` and 32 hex digits; of a refund, the one through whose provider it goes.",
    "phone": "Phone number. Personal: kept in the vault, never in the ledger.",
    "place": "Where the words stand, such as `title` or `advertisement`.",
    "plan": "Code of a plan of the catalogue; its newest version in force is taken.",
    "policy": "Version of the leasing policy; of a payment, how it is tried again.",
    "price_fen": "Price in fen.",
    "principal_fen": "What is financed, in fen; of a rental the value of the device, of its instalments the rent.",
    "proceeds_fen": "What the sale brought, in fen.",
    "product": "Product, as a code.",
    "proof": "SHA-256 of the proof, lower-case hex; the proof itself stays outside.",
    "provider": "Who answered, as a code.",
    "purpose": "What the consent is for; each purpose needs its own.",
    "reading_km": "Odometer reading in kilometres.",
    "reason": "Why, as a code.",
    "reasons": "Why, as codes, the weightiest first.",
    "receipt": "SHA-256 of what that record answered, lower-case hex.",
    "recipients": "Who may get the data, as codes of organisations, each named to the person.",
    "ref": "SHA-256 of the provider's own reference, lower-case hex.",
    "reference": "The tenant's own business number; says nothing about a person.",
    "remedy": "What the lessor chooses after default.",
    "retries": "More attempts in one channel after a failure.",
    "role": "What the party is in the contract.",
    "root": "The contract root that this is about, lower-case hex.",
    "schedule": "Instalments in the order of their numbers, without a hole.",
    "schedule_digest": "SHA-256 over the canonical JSON of the schedule, lower-case hex.",
    "score": "The score, on its source's own scale.",
    "scores": "Credit scores that are known; a source that is left out is missing, which is not zero.",
    "signature": "One signature of one party, by digests.",
    "signed": "SHA-256 of the file after the signature, lower-case hex.",
    "size_bytes": "Size of the file or text in bytes.",
    "source": "Who says so.",
    "spacing_days": "Days before each further attempt; the last number serves for all further ones.",
    "start": "The day on which the lease begins; the business date by default.",
    "subject": "The person that personal fields are about: `subject_` and 32 hex digits of a random id of yours.",
    "term": "How long, in `term_unit`.",
    "term_unit": "What the term is counted in: by default what the plan counts in, for the whole catalogue months.",
    "terms": "What is offered; `null` where not settled.",
    "text": "The exact text, in Unicode Normalization Form C; line feeds are kept.",
    "texts": "The clauses of a copy, in its order.",
    "title": "Title in Chinese.",
    "total_cost_fen": "Everything that the lessee pays, in fen.",
    "turn": "Parties of a higher turn sign after those of all lower ones.",
    "up_to": "The last day that counts.",
    "uses": "What the data may be used for, as codes agreed with the person.",
    "valid_until": "Last business date of the mandate; without it, until it is revoked.",
    "value_date": "The day from which the money counts; may lie in the past.",
    "version": "Number of the clause's version, from 1.",
    "vin": "Vehicle identification number (GB 16735). Personal: kept in the vault, never in the ledger.",
    "with_buyout": "Whether the price of the asset is part of the quote.",
    "withdrawn_from": "First business date on which contracts may not hold it any more.",
    "wording": "Words that go with the offer; those about vehicles are searched for forbidden ones.",
    "words": "The words.",
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
CASE_ID = "The case that this belongs to, `case_` and 32 hex digits; by default it opens one of its own."
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
    {"name": "consents", "description": "Consents (同意): one purpose each; what needs one is refused without it."},
    {"name": "clauses", "description": "The clause library (条款库): texts, versions, days of effect."},
    {"name": "contracts", "description": "Contracts (合同): assembled, shown, confirmed, signed, amended, ended."},
    {"name": "plans", "description": "The plan catalogue (产品方案) and quotes (报价): nothing is written."},
    {"name": "leases", "description": "Leases (租赁): commands; leases and bills from the read models."},
    {"name": "mandates", "description": "Mandates (代扣授权): what a lessee allows to be debited."},
    {"name": "payments", "description": "Payments (收款): collecting what is due, attempt by attempt; callbacks."},
    {"name": "reconciliations", "description": "Reconciliations (对账): provider statements against our own money."},
    {"name": "calendar", "description": "The business date (营业日) and what is due."},
    {"name": "books", "description": "The books of the whole tenant: journal, balances, ageing, cash, portfolio."},
    {"name": "events", "description": "What happened, in ledger order."},
    {"name": "evidence", "description": "Receipts, checkpoints, tiles: what anyone can verify."},
    {"name": "statistics", "description": "Read models of the whole tenant."},
    {"name": "service", "description": "Health and descriptions."},
]
