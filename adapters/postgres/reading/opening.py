"""Opening: what a ledger says of itself, in its first event."""

from __future__ import annotations

from adapters.postgres.connections import Connection
from adapters.postgres.reading import browse
from chain.entry import parse
from domain.access.ledger import LEDGER, LedgerOpened, LedgerOpenedForDemonstration, LedgerState, ledger_stream
from domain.kernel.event import Event


def ledger_state(connection: Connection) -> LedgerState:
    """The state of the ledger's own stream; the empty state where it was not opened yet.

    A ledger that had events before openings were recorded was opened later, and never for a demonstration.
    """
    first = browse.event_at(connection, 1)
    opening = None if first is None else _opening(first.entry)
    if first is not None and opening is None:
        later = browse.first_entry(connection, ledger_stream(browse.origin(connection)))
        opening = None if later is None else _opening(later)
        if not isinstance(opening, LedgerOpened):
            return LEDGER.initial
    return LEDGER.initial if opening is None else LEDGER.evolve(LEDGER.initial, opening)


def _opening(entry: bytes) -> Event | None:
    parsed = parse(entry)
    event = parsed.event() if parsed.seq == 1 and parsed.type.startswith(f"{LEDGER.name}.") else None
    return event if isinstance(event, LedgerOpened | LedgerOpenedForDemonstration) else None
