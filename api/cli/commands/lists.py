"""`list …`: every list that is declared in `api.queries`, as a table or as JSON; options are its filters.

Which lists there are is found out when one is asked for, so that other commands do not wait for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from api.cli.failures import Unusable
from api.cli.frame import Session, command, group
from api.cli.reading import At, digits, fitting, read_models
from api.cli.wording.retelling import retold
from api.cli.wording.usage import Group
from api.cli.wording.words import money, number, table
from api.language import Language, current, message, text

if TYPE_CHECKING:
    from api.queries.engine.columns import Column
    from api.queries.engine.events import EventItem
    from api.queries.engine.read import Read, ReadResult

LIMIT = 1_000
"""Items in one answer, where nothing else is asked for."""

_HELP = "Lists of everything, now or at an earlier position."
Limit = Annotated[int, typer.Option("--limit", metavar="N", parser=digits(1), help=message("At most so many."))]
After = Annotated[
    str | None,
    typer.Option("--starting-after", metavar="PLACE", help=message("Continue behind this place."), show_default=False),
]


class Lists(Group):
    """The group of all lists, put together when it is first used."""

    @cached_property
    def _lists(self) -> TyperGroup:
        from api.queries.registry import READS

        app = group(_HELP)
        for read in READS:
            if read.many:
                name = name_of(read)
                command(app, name, short_help=_title(read))(_listing(read))
        found = get_command(app)
        assert isinstance(found, TyperGroup), "there is more than one list"
        return found

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all lists."""
        return self._lists.list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of one list."""
        return self._lists.get_command(ctx, cmd_name)


def register(app: typer.Typer) -> None:
    """Add the group of this file."""
    lists = group(_HELP)
    lists.info.cls = Lists
    app.add_typer(lists, name="list")


def name_of(read: Read) -> str:
    """`/leases/{lease}/bills` → `bills-of-lease`."""
    name = read.path.rpartition("/")[2]
    return f"{name}-of-{read.nouns[-1]}" if read.nouns else name


def _listing(read: Read) -> Callable[..., None]:
    def listing(session: Session, **given: Any) -> None:
        typed = _typed(read, given)
        with fitting(read, typed):
            asked = _asked(read, given, typed)
        with read_models(session, given.get("at_position")) as (connection, tenant), fitting(read, typed):
            answered = _all(read, connection, tenant, asked, session.settings.data)
        whole = read.whole(answered)
        data = {"position": answered.position, **{name: getattr(whole, name) for name in whole.__struct_fields__}}
        session.emit(data, lambda out: out.print(_table(read, whole.data), soft_wrap=True))

    listing.__doc__ = read.words
    listing.__signature__ = inspect.Signature(list(_signature(read)))  # type: ignore[attr-defined]
    return listing


def _signature(read: Read) -> Iterator[inspect.Parameter]:
    from api.queries.engine.parameters import parameters_of
    from api.queries.engine.read import Past

    kind, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    yield inspect.Parameter("session", kind, annotation=Session)
    for noun in read.nouns:
        argument = Annotated[
            str, typer.Argument(metavar="ID", help=text("The {thing}'s id: {noun}_…", thing=text(noun), noun=noun))
        ]
        yield inspect.Parameter(noun, keyword, annotation=argument)
    for one in parameters_of(read.filters):
        flag = f"--{one.name.replace('_', '-')}"
        words = f"{text(one.description)} {', '.join(one.choices)}".strip()
        option = Annotated[str | None, typer.Option(flag, metavar="VALUE", help=words, show_default=False)]
        yield inspect.Parameter(f"filter_{one.inside}", keyword, annotation=option, default=None)
    if read.cursor is not None:
        yield inspect.Parameter("starting_after", keyword, annotation=After, default=None)
    yield inspect.Parameter("limit", keyword, annotation=Limit, default=LIMIT)
    if read.past is not Past.NONE:
        yield inspect.Parameter("at_position", keyword, annotation=At, default=None)


def _asked(read: Read, given: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """What the query is asked with. Raises `Unusable` for an id that names nothing, `ParameterInvalid`."""
    from api.queries.engine.parameters import STARTING_AFTER, read_parameters
    from domain.kernel.ids import IdError

    try:
        ids = read.about_ids(given)
    except IdError as error:
        raise Unusable(partial(retold, str(error))) from None
    after = typed.get(STARTING_AFTER)
    return {
        "ids": ids,
        "filters": read_parameters(read.filters, typed),
        "after": None if after is None or read.cursor is None else read.cursor.read(after),
        "position": given.get("at_position"),
        "limit": given["limit"],
    }


def _typed(read: Read, given: Mapping[str, Any]) -> dict[str, str]:
    """What was typed for options, by their names."""
    from api.queries.engine.parameters import STARTING_AFTER, parameters_of

    texts = {one.name: given[f"filter_{one.inside}"] for one in parameters_of(read.filters)}
    texts[STARTING_AFTER] = given.get("starting_after")
    return {name: value for name, value in texts.items() if value is not None}


def _all(read: Read, connection: Any, tenant: Any, asked: dict[str, Any], data: Any) -> ReadResult:
    """The items of all pages up to the limit."""
    from msgspec.structs import replace

    from api.queries.engine.read import ReadRequest

    items: list[Any] = []
    while True:
        question = ReadRequest(connection=connection, tenant=tenant, data=data, **asked)
        found = read.run(question)
        if found is None:
            raise Unusable(lambda: text("expected ids of this tenant, got none at this position"))
        items += found.value
        if found.next is None or len(items) >= question.limit:
            return replace(found, value=tuple(items[: question.limit]))
        asked = {**asked, "after": found.next, "position": found.position}


def _table(read: Read, items: tuple[Any, ...]) -> str:
    from api.queries.engine.columns import Kind, table_of
    from api.queries.engine.events import EventItem

    if read.answer is EventItem:
        return _events(items)
    columns = table_of(read, details=True)
    numbers = {Kind.MONEY, Kind.COUNT, Kind.POSITION, Kind.RATE}
    sides = "".join("r" if one.kind in numbers else "l" for one in columns)
    head = [_label(one) for one in columns]
    rows = [[_cell(one, getattr(item, one.name)) for one in columns] for item in items]
    return table(sides, rows, head=head)


def _events(items: tuple[EventItem, ...]) -> str:
    """Events as people look for them; the entries themselves are for programs."""
    from chain.entry import parse
    from domain.kernel.ids import format_id

    rows = []
    for item in items:
        entry = parse(bytes(item.entry))
        stream = format_id(entry.type.partition(".")[0], entry.stream)
        who = f"{entry.actor.role} {entry.actor.id}"
        rows.append((number(item.position), entry.occurred_at, entry.type, stream, who))
    head = (text("position"), text("time"), text("type"), text("stream"), text("actor"))
    return table("rllll", rows, head=head)


def _cell(column: Column, value: Any) -> str:
    """One formatter for each kind of column."""
    from api.queries.engine.columns import Kind

    if value is None:
        return "–"
    if column.kind is Kind.DETAIL:
        return _detail(column, value) or "–"
    if column.kind is Kind.MONEY:
        return money(value)
    if column.kind in (Kind.COUNT, Kind.POSITION):
        return number(value)
    if column.kind is Kind.FLAG:
        return text("yes") if value else text("no")
    if current() is Language.ZH and column.kind in (Kind.STATE, Kind.TEXT):
        return str(_words().code(str(value), column.owner, column.name))
    return str(value)


def _detail(column: Column, value: Any) -> str:
    """Several values on one line: of a mapping under their keys, of an item side by side."""
    from msgspec import Struct

    from api.queries.engine.columns import columns_of

    if isinstance(value, Mapping):
        return ", ".join(f"{key}={one}" for key, one in value.items())
    if isinstance(value, Struct):
        inside = columns_of(type(value), column.name)
        return " ".join(_cell(one, getattr(value, one.name)) for one in inside)
    if isinstance(value, (tuple, list, frozenset)):
        return "; ".join(_detail(column, one) for one in value)
    return str(value)


def _label(column: Column) -> str:
    """The head of a column: the field's name in English, what the console calls it in Chinese."""
    if current() is Language.ZH:
        return str(_words().label(column.name, column.owner))
    return column.name.removesuffix("_fen").replace("_", " ")


def _title(read: Read) -> str:
    """What a list is of, in one line."""
    name = name_of(read).replace("-", " ").replace("_", " ")
    if current() is Language.ZH:
        name = _words().title(read)
        for noun in read.nouns:
            name = text("{part} of one {whole}", part=name, whole=_words().value(noun))
    return text("List {name}.", name=name)


def _words() -> Any:
    """The words of the console, which are those of lists; English lists show names and codes as they are."""
    from api.console.views import words

    return words
