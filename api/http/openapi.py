"""The OpenAPI document: the framework's view of the routes, completed with answers, headers and problems.

Schemas of answers come from the structs that are encoded, schemas of commands from the domain's own declarations.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.http import aggregate_reads, gate_reads, words
from api.http import contract_resources as contract
from api.http import lease_resources as lease
from api.http import money_resources as money
from api.http import resources as r
from api.http.catalogue import Description
from api.http.faults import CODES
from api.http.headers import KEY_MAX_CHARS
from api.http.models import model_of
from api.http.offers import QuoteRoute
from api.http.papers import PDF, AgreedTexts, GivenSchedule, KeptSchedule, TamperAlarms
from api.http.problems import MEDIA_TYPE, ProblemBody
from api.http.routes import CommandRoute
from api.http.statistics import Funnel, WorkInProgress
from api.queries.quote_answers import CataloguedPlan, PlanPage, QuoteAnswer

VERSION = "1"
_REF = "#/components/schemas/{name}"
_RENAMED = {"ProblemBody": "Problem", "FaultBody": "Fault", "Description": "ProblemDescription"}
_STRUCTS = (
    r.Outcome, r.Application, r.ApplicationPage, r.EventPage, r.Receipt, r.Health, r.Readiness, Funnel, WorkInProgress,
    ProblemBody, Description, lease.Lease, lease.LeasePage, lease.BillList, lease.BillPage, lease.Ageing,
    lease.CashFlow, lease.JournalPage, lease.TrialBalance, lease.Income, lease.Portfolio, lease.Provisions,
    money.PaymentPage, money.MandatePage, money.ReconciliationList, money.BreakList, money.Taken,
    contract.ContractPage, contract.ClausePage, contract.ClauseLibrary, contract.Calendar, contract.TimerPage,
    KeptSchedule,
    AgreedTexts,
    TamperAlarms,
    lease.RevenueSchedule,
    gate_reads.ConsentPage, gate_reads.PortfolioLimits,
    PlanPage, CataloguedPlan, QuoteAnswer,
)  # fmt: skip

_JSON_ANSWERS = {
    "list_applications": "ApplicationPage",
    "read_application": "Application",
    "list_events_of_application": "EventPage",
    "list_events": "EventPage",
    "read_receipt": "Receipt",
    "read_funnel": "Funnel",
    "read_work_in_progress": "WorkInProgress",
    "list_leases": "LeasePage",
    "read_lease": "Lease",
    "list_bills_of_lease": "BillList",
    "list_bills": "BillPage",
    "read_ageing": "Ageing",
    "read_cash_flow": "CashFlow",
    "list_journal": "JournalPage",
    "read_trial_balance": "TrialBalance",
    "read_income": "Income",
    "read_revenue_schedule": "RevenueSchedule",
    "read_portfolio": "Portfolio",
    "read_provisions": "Provisions",
    "list_payments": "PaymentPage",
    "list_mandates": "MandatePage",
    "list_reconciliations": "ReconciliationList",
    "list_breaks_of_reconciliation": "BreakList",
    "list_open_breaks": "BreakList",
    "receive_callback": "Taken",
    "list_contracts": "ContractPage",
    "list_clauses": "ClausePage",
    "read_clause_library": "ClauseLibrary",
    "read_calendar": "Calendar",
    "list_timers": "TimerPage",
    "read_texts": "AgreedTexts",
    "list_alarms": "TamperAlarms",
    "read_portfolio_limits": "PortfolioLimits",
    "list_consents": "ConsentPage",
    "list_plans": "PlanPage",
    "read_plan": "CataloguedPlan",
    "quote": "QuoteAnswer",
    "read_health": "Health",
    "read_readiness": "Readiness",
    "read_problem": "ProblemDescription",
    **aggregate_reads.STATE_READS,
    **dict.fromkeys(aggregate_reads.EVENT_READS, "EventPage"),
}
_FILE = {"type": "string", "format": "binary"}
_UPLOADS: dict[str, tuple[str, dict[str, Any], str]] = {
    "keep_schedule": ("application/json", {"$ref": _REF.format(name="GivenSchedule")}, "KeptSchedule"),
    "receive_signed_document": (PDF, _FILE, "Outcome"),
}
"""Operations that take a body and are no commands of a registry: its media type, its schema, the answer."""

_OTHER_ANSWERS: dict[str, dict[str, Any]] = {
    "read_document": {PDF: {"schema": _FILE}},
    "stream_events": {"text/event-stream": {"schema": {"type": ["string", "object"]}}},
    "read_checkpoint": {"text/plain": {"schema": {"type": "string"}}},
    "read_verifier_keys": {"text/plain": {"schema": {"type": "string"}}},
    "read_tile": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    "list_problems": {
        "application/json": {"schema": {"type": "array", "items": {"$ref": _REF.format(name="ProblemDescription")}}}
    },
    "read_openapi": {"application/json": {"schema": {"type": "object"}}},
}
_WITHOUT_POSITION = frozenset(
    {
        "read_checkpoint",
        "read_verifier_keys",
        "read_tile",
        "list_problems",
        "read_problem",
        "read_openapi",
        "read_health",
        "list_plans",
        "read_plan",
        "quote",
    }
)
_PAGED = frozenset(
    {
        *("list_applications", "list_events_of_application", "list_events"),
        *("list_leases", "list_bills", "list_journal", "list_plans", "list_consents"),
        *("list_payments", "list_mandates"),
        *("list_contracts", "list_clauses", "list_timers"),
    }
) | frozenset(aggregate_reads.EVENT_READS)
_VERSIONED = (
    frozenset({"read_application", "read_lease", "read_calendar", "read_document", "read_texts"})
    | aggregate_reads.STATE_READS.keys()
)
_TITLES = {
    400: "A header or the body is not well formed",
    401: "No key, or one that is not valid",
    403: "The role of this key may not do this",
    404: "There is no such resource, or it belongs to another tenant",
    409: "A rule says no, or the request is being handled",
    412: "The resource is not at the version of If-Match",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "The payload or the query does not fit, or the Idempotency-Key was used for something else",
    500: "Something went wrong on our side",
    503: "Not now: repeat the request after Retry-After",
}
_COMMAND_PROBLEMS: tuple[int, ...] = (400, 401, 403, 404, 409, 412, 413, 415, 422, 500, 503)
_CREATE_PROBLEMS = tuple(status for status in _COMMAND_PROBLEMS if status not in (404, 412))
_QUOTE_PROBLEMS = (400, 401, 403, 409, 413, 415, 422, 500, 503)
_READ_PROBLEMS = (400, 401, 403, 404, 409, 422, 500, 503)
_PUBLIC_PROBLEMS = (404, 422, 500, 503)
_CALLBACK_PROBLEMS = (400, 401, 404, 409, 413, 422, 500, 503)
_CALLBACK_BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"type": "object", "required": ["request", "status"]}}},
}
_UNLIKE_OTHERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "receive_callback": ({"requestBody": _CALLBACK_BODY}, _CALLBACK_PROBLEMS),
    "read_tile": ({"security": [{}, {"ApiKey": []}]}, _READ_PROBLEMS),
}
"""What some operations have of their own, and which problems they answer with."""


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, the same for the same code."""
    found = get_openapi(
        title="leaseledger",
        version=VERSION,
        openapi_version="3.1.0",
        description=words.DESCRIPTION,
        routes=app.routes,
        tags=words.TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for name, schema in (aggregate_reads.schemas() | _schemas() | _given()).items():
        # A struct that is also part of a command is described there already, and more strictly.
        schemas.setdefault(name, schema)
    schemas["Fault"]["properties"]["code"]["enum"] = list(CODES)
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    found["components"]["headers"] = _headers()
    found["components"]["responses"] = {f"Problem{status}": _problem(title) for status, title in _TITLES.items()}
    for route in app.routes:
        if isinstance(route, APIRoute):
            _complete(found["paths"], route)
    return found


def _schemas() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(_STRUCTS, ref_template=_REF)
    text = msgspec.json.encode(components).decode()
    for old, new in _RENAMED.items():
        text = text.replace(f'"#/components/schemas/{old}"', f'"#/components/schemas/{new}"')
        text = text.replace(f'"{old}":', f'"{new}":').replace(f'"title":"{old}"', f'"title":"{new}"')
    decoded: dict[str, Any] = msgspec.json.decode(text)
    return decoded


def _given() -> dict[str, Any]:
    """What uploads take."""
    schema = model_of(GivenSchedule).model_json_schema(ref_template=_REF.replace("{name}", "{model}"))
    inner = schema.pop("$defs")
    return {**inner, GivenSchedule.__name__: schema}


def _headers() -> dict[str, Any]:
    whole, text = {"type": "integer", "minimum": 0}, {"type": "string"}
    described = {
        "Ledger-Position": (words.LEDGER_POSITION, whole),
        "ETag": (words.ETAG, text),
        "X-Request-Id": (words.REQUEST_ID, text),
        "Idempotent-Replayed": (words.REPLAYED, {"type": "string", "enum": ["true"]}),
        "Link": (words.LINK, text),
        "Location": ("The address of what was created.", text),
        "Retry-After": ("Seconds to wait.", whole),
        "Content-Language": ("`en` or `zh-CN`, by Accept-Language.", text),
    }
    return {name: {"description": words_of, "schema": schema} for name, (words_of, schema) in described.items()}


def _problem(title: str) -> dict[str, Any]:
    return {
        "description": title,
        "headers": _refs("X-Request-Id", "Content-Language"),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
    }


def _refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _complete(paths: dict[str, Any], route: APIRoute) -> None:
    """Fill in one operation's answers."""
    method = next(iter(route.methods or ())).lower()
    operation = paths[route.path_format][method]
    problems: tuple[int, ...]
    if isinstance(route, QuoteRoute):
        answers, problems = _read_answers(route.name), _QUOTE_PROBLEMS
    elif isinstance(route, CommandRoute):
        created = route.spec.creates
        answers = _command_answers(created=created)
        problems = _CREATE_PROBLEMS if created else _COMMAND_PROBLEMS
        operation["requestBody"]["required"] = not route.spec.reader.may_be_empty
    elif route.name in _UPLOADS:
        operation["operationId"] = route.name
        answers = _upload(operation, *_UPLOADS[route.name])
        problems = _COMMAND_PROBLEMS
    else:
        operation["operationId"] = route.name
        answers = _read_answers(route.name)
        problems = _READ_PROBLEMS if "security" in operation else _PUBLIC_PROBLEMS
        more, problems = _UNLIKE_OTHERS.get(route.name, ({}, problems))
        operation.update(more)
    for status in problems:
        answers.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
    operation["responses"] = dict(sorted(answers.items()))


def _command_answers(*, created: bool) -> dict[str, Any]:
    headers = _refs("Ledger-Position", "ETag", "X-Request-Id", "Idempotent-Replayed")
    if created:
        headers |= _refs("Location")
    content = {"application/json": {"schema": {"$ref": _REF.format(name="Outcome")}}}
    status, words_of = ("201", "Created") if created else ("200", "Done")
    return {status: {"description": words_of, "headers": headers, "content": content}}


def _upload(operation: dict[str, Any], media_type: str, schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Describe what an upload takes, and give its answers."""
    operation["requestBody"] = {"required": True, "content": {media_type: {"schema": schema}}}
    operation["parameters"] += [
        {
            "name": "Idempotency-Key", "in": "header", "required": True, "description": words.IDEMPOTENCY_KEY,
            "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX_CHARS, "pattern": "^[!#-~]+$"},
        },
        {
            "name": "If-Match", "in": "header", "required": False, "description": words.IF_MATCH,
            "schema": {"type": "string", "examples": ['"3"']},
        },
    ]  # fmt: skip
    answers = _command_answers(created=False)
    answers["200"]["content"] = {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}
    return answers


def _read_answers(name: str) -> dict[str, Any]:
    headers = _refs("X-Request-Id")
    if name not in _WITHOUT_POSITION:
        headers |= _refs("Ledger-Position")
    if name in _PAGED:
        headers |= _refs("Link")
    if name in _VERSIONED:
        headers |= _refs("ETag")
    ref = _JSON_ANSWERS.get(name)
    content = _OTHER_ANSWERS.get(name) or {"application/json": {"schema": {"$ref": _REF.format(name=ref)}}}
    answers: dict[str, Any] = {"200": {"description": "The answer", "headers": headers, "content": content}}
    if name in _VERSIONED:
        answers["304"] = {"description": "The caller has this version", "headers": headers}
    if name == "read_readiness":
        answers["503"] = {"description": "Not ready", "headers": headers, "content": content}
    return answers
