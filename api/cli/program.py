"""The program: the options before the command, and every command in the order people meet them."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.commands import access, accounting, calendar, contracts, demonstration, identities, lists, parked, serving
from api.cli.commands.importing import uci, xes
from api.cli.commands.installation import doctor
from api.cli.commands.ledger import evidence, history, read_models, verifying
from api.cli.commands.pricing import offers
from api.cli.frame import Data, Json, Lang, Shared, group, worded
from api.cli.wording.usage import translate_library

translate_library()

app = group(
    "leaseledger: a ledger of leases, kept as events, that anyone can check.\n\n"
    "Data goes to stdout, words to stderr. Exit status: 0 done, 1 refused or not verified, 2 usage or unusable input."
)

imports = group("Import histories from other systems.")


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"leaseledger {version('leaseledger')}")
        raise typer.Exit


@app.callback()
@worded
def options(
    context: typer.Context,
    data: Data = None,
    json: Json = False,
    _lang: Lang = None,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True, show_default=False),
    ] = False,
) -> None:
    """Keep what was given before the command."""
    context.obj = Shared(data, json)


demonstration.register(app)
serving.register(app)
calendar.register(app)
xes.register(imports)
uci.register(imports)
app.add_typer(imports, name="import")
history.register(app)
evidence.register(app)
verifying.register(app)
read_models.register(app)
offers.register(app)
accounting.register(app)
contracts.register(app)
lists.register(app)
app.add_typer(identities.users, name="user")
app.add_typer(identities.api_keys, name="api-key")
app.add_typer(identities.tenants, name="tenant")
app.add_typer(identities.approvals, name="approval")
app.add_typer(access.keys, name="keys")
app.add_typer(access.subjects, name="subject")
app.add_typer(parked.parked, name="parked")
doctor.register(app)
