"""Words of the interface: what its headers and common parameters mean, for the OpenAPI document."""

from __future__ import annotations

IDEMPOTENCY_KEY = (
    "Names this request: the same key with the same payload is done once and answered again with the same bytes "
    "(`Idempotent-Replayed: true`). 1 to 255 visible ASCII characters, bare or quoted; never personal data."
)
IF_MATCH = (
    "Optional: the version you decided on, as the ETag you were given, or `*`. Without it the command is decided on "
    "the version of the moment; every rule is checked again there, so nothing can be overwritten unseen."
)
CASE_ID = "The case that this belongs to, `case_` and 32 hex digits; by default it opens one of its own."
AT_LEAST = (
    "Wait (at most 5 s) until the answer is at least as new as this ledger position; 409 at once where the ledger has "
    "not reached it."
)
AS_OF_POSITION = "Answer as of this ledger position."
AS_OF = "Answer as of this instant of recording (RFC 3339); not together with `as_of_position`."
LEDGER_POSITION = "The ledger position that this answer is valid at."
ETAG = "The version of the resource, quoted."
REQUEST_ID = "Names this request in problems and logs."
REPLAYED = "`true` when this is the stored outcome of an earlier request with the same key."
LINK = "The next page (RFC 8288), where there is one."
RATE_LIMIT = "What is left of each limit (`r`), and the seconds until all of it is there again (`t`)."
RATE_LIMIT_POLICY = "How many requests (`q`) in how many seconds (`w`), for the key and for all keys of its tenant."
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
    {"name": "applications", "description": "Applications (租赁申请): commands and their outcome."},
    {"name": "parked", "description": "What should have happened and did not (挂起事项), and another try."},
    {"name": "subjects", "description": "Persons (个人信息主体): what the vault holds, and who looked at it what for."},
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
    {"name": "users", "description": "Users (用户): persons and machines that act for the tenant, and their roles."},
    {"name": "api_keys", "description": "API keys (接口密钥): made, kept to some permissions, rotated, revoked."},
    {"name": "tenants", "description": "Tenants (租户) of this ledger, for whoever runs the log."},
    {"name": "approvals", "description": "Approvals (复核要求): the commands that need a second person."},
    {"name": "proposals", "description": "Proposals (复核申请): a command that a second person approves."},
    {"name": "events", "description": "What happened, in ledger order."},
    {"name": "evidence", "description": "Receipts, checkpoints, tiles: what anyone can verify."},
    {"name": "statistics", "description": "Read models of the whole tenant."},
    {"name": "service", "description": "Health and descriptions."},
]
