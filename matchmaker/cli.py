"""Commands for the terminal: reference tables, imports, runs, demonstration, the map of all pages."""

import json
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_migrate import upgrade

from matchmaker.extensions import db
from matchmaker.models import Level, Territory
from matchmaker.models.base import today
from matchmaker.models.matching import RunStatus
from matchmaker.services import accounts, demo, matching, organisation_import, territories
from matchmaker.services.errors import RunUnderWay
from matchmaker.services.outbox import MailSettings

reference_group = AppGroup("reference", help="Communes and territories.")
import_group = AppGroup("import", help="Read files into the database.")
demo_group = AppGroup("demo", help="The demonstration's invented data.")


@click.command("prepare")
def prepare() -> None:
    """Bring the schema up to date, load communes and Normandy, and the demonstration into an empty database."""
    upgrade()
    if not territories.communes_are_loaded():
        territories.load_communes()
    if not territories.regions():
        territories.load_region("28")
    db.session.commit()
    if current_app.config["DEMO"] and demo.is_wanted():
        load_demo()


@reference_group.command("load")
@click.option("--region", default="28", show_default=True, help="INSEE code of the region; 28 is Normandie.")
def load_reference(region: str) -> None:
    """Load all communes of France and the territories of one region."""
    count = territories.load_communes()
    territory = territories.load_region(region)
    db.session.commit()
    click.echo(f"{count} communes; {territory.name}: {len(territories.descendants(territory))} territories")


@import_group.command("organisations")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", help="The name of the list, kept with each structure. By default the file's name.")
def import_organisations(file: Path, source: str | None) -> None:
    """Import structures from a CSV file. Twice the same file changes nothing."""
    try:
        with file.open("rb") as stream:
            report = organisation_import.import_organisations(stream, source=source or file.stem)
    except organisation_import.ImportRefused as refused:
        raise click.ClickException(f"{file.name} refused, nothing imported: {refused}") from None
    db.session.commit()
    click.echo(f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged, {len(report.refused)} refused")
    if report.ignored_columns:
        click.echo("Ignored columns: " + ", ".join(report.ignored_columns))
    for title, remarks in (("Refused", report.refused), ("Noted", report.noted)):
        for row in remarks:
            click.echo(f"  {title}: row {row.number}, {row.siret or 'no SIRET'}: {row.reason} {row.detail}".rstrip())


@click.command("rematch")
@click.argument("code")
def rematch(code: str) -> None:
    """Run the matching of a territory: a region (28) runs each of its départements, a département (61) itself."""
    territory = territories.territory_by_code(code)
    if territory is None or territory.level is Level.EPCI:
        raise click.ClickException(f"No region or département has the code {code}. Load its region first: flask reference load --region CODE")
    targets = territories.departements_of(territory) if territory.level is Level.REGION else [territory]
    click.echo(f"{'':4}{'':18}{'needs':>8}{'offers':>8}{'pairs':>9}{'served':>8}{'value':>12}{'gap':>5}")
    failed = [target.code for target in targets if not rematch_one(target)]
    if failed:
        raise click.ClickException("not computed: " + ", ".join(failed))


def rematch_one(territory: Territory) -> bool:
    try:
        run = matching.rematch(territory, today=today())
    except RunUnderWay:
        db.session.rollback()
        click.echo(f"{territory.code:4}{territory.name:18} a run is under way already")
        return False
    db.session.commit()
    value = (run.value or 0) / 1_000_000
    click.echo(
        f"{territory.code:4}{territory.name:18}{run.needs_count:>8}{run.offers_count:>8}{run.candidates_count:>9}{run.served_count:>8}{value:>12.2f}{run.gap:>5}"
    )
    return run.status is RunStatus.READY


@demo_group.command("load")
def load_demo_command() -> None:
    """Fill an empty database with invented structures, declarations, venues and job datings."""
    if not current_app.config["DEMO"]:
        raise click.ClickException("The demonstration is off. Set DEMO=1 on a machine that holds no real data.")
    if not demo.is_wanted():
        raise click.ClickException("The database is not empty: nothing was changed.")
    load_demo()


def load_demo() -> None:
    demo.load(today=today(), settings=MailSettings.from_config(current_app.config))
    db.session.commit()


@demo_group.command("accounts")
def demo_accounts() -> None:
    """Print the demonstration's accounts."""
    for user in accounts.demo_accounts():
        click.echo(f"{user.email:38}  {demo.PASSWORD}")


@click.command("url-map")
def url_map() -> None:
    """Every page: rule, methods, endpoint and declared access, as JSON."""
    rules = [
        {
            "rule": rule.rule,
            "methods": sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}),
            "endpoint": rule.endpoint,
            "access": getattr(current_app.view_functions[rule.endpoint], "access", "public" if rule.endpoint == "static" else None),
        }
        for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
    ]
    click.echo(json.dumps(rules, indent=2, ensure_ascii=False))


def init_app(app: Flask) -> None:
    for command in (prepare, rematch, url_map, reference_group, import_group, demo_group):
        app.cli.add_command(command)
