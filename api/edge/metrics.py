"""Metrics of the serving program, for an operator's Prometheus; no tenant, key or address is a label.

Routes are patterns and limits are codes, so that the number of series is that of the code, not of the callers.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

# When a counter was made is when the program began, for each of them.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry(auto_describe=True)
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter(
    "leaseledger_http_requests", "Requests that were answered.", ("method", "route", "status"), registry=REGISTRY
)
LATENCY = Histogram(
    "leaseledger_http_request_seconds",
    "Seconds from the head of a request to the end of its answer.",
    ("route",),
    buckets=SECONDS,
    registry=REGISTRY,
)
SENT = Counter("leaseledger_http_sent_bytes", "Bytes of answers, without their heads.", registry=REGISTRY)
LIMITED = Counter(
    "leaseledger_http_limited", "Requests and connections that a limit refused, by the problem's code.", ("limit",),
    registry=REGISTRY,
)  # fmt: skip
APPENDED = Counter(
    "leaseledger_appends", "Commands that were appended over HTTP, without repeated ones.", registry=REGISTRY
)
CONNECTIONS = Gauge("leaseledger_http_connections", "Connections that are open now.", registry=REGISTRY)
STREAMS = Gauge("leaseledger_event_streams", "Event streams that are open now.", registry=REGISTRY)
QUEUED = Gauge("leaseledger_write_queue", "Commands that wait to be written now.", registry=REGISTRY)
DATABASE = Gauge("leaseledger_database_up", "Whether the database answered the last look.", registry=REGISTRY)
POSITION = Gauge("leaseledger_ledger_position", "Events in the ledger.", registry=REGISTRY)
BEHIND = Gauge("leaseledger_read_model_behind", "Positions that a read model is behind.", ("name",), registry=REGISTRY)
DEAD_LETTERS = Gauge(
    "leaseledger_dead_letters", "Events that a read model could not take.", ("name",), registry=REGISTRY
)
FOLLOWER_BEHIND = Gauge(
    "leaseledger_follower_behind", "Positions that what follows from events is behind.", ("name",), registry=REGISTRY
)
WAITS = Gauge(
    "leaseledger_role_waits_seconds", "Seconds that the oldest work waits for a role.", ("role",), registry=REGISTRY
)
WORKS = Gauge(
    "leaseledger_role_works", "Whether an instance of a role works on this ledger.", ("role",), registry=REGISTRY
)
