"""Read models that follow from an aggregate's own state: its `evolve` folds the events, the row shows what it made.

    row(kept) ──decode──▶ state ──evolve, event by event──▶ state ──columns──▶ row(kept)

A column is declared once, in the row type: it shows what the state calls the same, `state` shows its phase. Where a
column shows anything else of the state, `columns` says what. What no rule needs and people ask for, such as the day of
a grant, is not in the state: it is noted of its event and stays until another one is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import fields

from domain.kernel.decider import Decider
from domain.kernel.event import EVENT_TYPES, Event
from projections.engine.model import Index, Projection, ProjectionError, Recorded, StateRow

S = TypeVar("S", bound=StateRow)
_PLACE = frozenset(StateRow.__struct_fields__)
_encode = msgspec.json.Encoder(order="deterministic").encode
_NOTHING: Mapping[Any, Any] = {}
Note = Callable[[Mapping[str, Any], Any, Recorded], Mapping[str, Any]]
"""What is noted of an event: columns with their values, from those that are noted already."""

BY_ID = ("tenant", "id")
"""The index of every list in the order of ids."""


class _Folding(Generic[S]):
    """How a run of one stream's events becomes its row."""

    def __init__(
        self,
        decider: Decider[Any],
        row: type[S],
        columns: Mapping[str, Callable[[Any], Any]],
        noted: Mapping[type[Event], Note],
    ) -> None:
        self._decider, self._row, self._noted = decider, row, noted
        own = {field.name for field in fields(row)} - _PLACE
        of_state = {one: "phase" if one == "state" else one for one in own}
        same = {one: attrgetter(name) for one, name in of_state.items() if hasattr(decider.initial, name)}
        self._shown: dict[str, Callable[[Any], Any]] = {**same, **columns}
        self._notes = own - self._shown.keys()
        if self._shown.keys() - own or bool(self._notes) != bool(noted):
            got = sorted(self._shown.keys() ^ own)
            raise ProjectionError(f"{row.__name__}: expected columns of the state or noted, got {got}")
        first = decider.events[0]
        self._opens = next(name for name, event in EVENT_TYPES.items() if event is first).rpartition(".")[0]
        self._decode = msgspec.json.Decoder(type(decider.initial)).decode

    def run(self, before: S | None, run: Sequence[Recorded]) -> S:
        """The row after some events of its stream."""
        state = self._decider.initial if before is None else self._decode(before.kept)
        noted = {} if before is None else {one: getattr(before, one) for one in self._notes}
        for recorded in run:
            self._check(state.version, recorded)
            state = self._decider.evolve(state, recorded.event)
            if (note := self._noted.get(type(recorded.event))) is not None:
                noted.update(note(noted, recorded.event, recorded))
        columns = {one: _plain(show(state)) for one, show in self._shown.items()}
        kept = _encode(state).decode()
        return self._row(
            position=run[-1].position, version=state.version, kept=kept, **_place(before, run[0]), **columns, **noted
        )

    def _check(self, version: int, recorded: Recorded) -> None:
        if version == 0 and type(recorded.event) is not self._decider.events[0]:
            expected, got = f"{self._opens} first", recorded.envelope.type
        elif recorded.envelope.seq != version + 1:
            expected, got = f"event {version + 1}", f"event {recorded.envelope.seq}"
        else:
            return
        raise ProjectionError(f"stream {recorded.stream}: expected {expected}, got {got}")


def state_projection(
    decider: Decider[Any],
    row: type[S],
    *,
    name: str,
    version: int,
    columns: Mapping[str, Callable[[Any], Any]] = _NOTHING,
    noted: Mapping[type[Event], Note] = _NOTHING,
    indexes: tuple[tuple[str, ...] | Index, ...] = (BY_ID,),
) -> Projection[S]:
    """The read model with one row for each stream of an aggregate."""
    fold = _Folding(decider, row, columns, noted).run
    return Projection(
        name=name,
        version=version,
        row=row,
        key=("id",),
        events=frozenset(decider.events),
        fold=lambda before, event, recorded: fold(before, (recorded,)),
        fold_run=fold,
        indexes=indexes,
        fillfactor=70,
    )


def _place(before: StateRow | None, first: Recorded) -> Mapping[str, Any]:
    if before is None:
        return {"id": first.stream, "tenant": first.tenant, "first_position": first.position}
    return {"id": before.id, "tenant": before.tenant, "first_position": before.first_position}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
