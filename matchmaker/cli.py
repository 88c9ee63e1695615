"""Commands for the terminal: reference tables, imports, accounts, runs, demonstration, the map of all pages."""

import json
import sys
from contextlib import suppress
from pathlib import Path

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_migrate import upgrade

from matchmaker.extensions import db
from matchmaker.models import AuditAction, Level, MatchingRun, Organisation, Role, Territory, User
from matchmaker.models.base import now, today
from matchmaker.models.matching import RunStatus
from matchmaker.services import (
    accounts,
    audit,
    demo,
    matching,
    nursery,
    observatory_snapshots,
    occupations,
    organisation_import,
    organisations,
    passwords,
    sealing,
    second_factor,
    territories,
    white_zones,
)
from matchmaker.services.errors import EmailTaken, RunUnderWay
from matchmaker.services.outbox import MailSettings

reference_group = AppGroup("reference", help="Communes and territories.")
import_group = AppGroup("import", help="Read files into the database.")
accounts_group = AppGroup("accounts", help="Accounts of persons.")
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
    try:
        territory = territories.load_region(region)
    except territories.UnknownRegion:
        raise click.ClickException(f"No region of France has the code {region}.") from None
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


@import_group.command("rome")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_rome(folder: Path) -> None:
    """Import the occupations of the ROME from a folder of its files: rome_metiers.csv, rome_appellations.csv, rome_mobilites.csv."""
    try:
        count = occupations.import_rome(folder)
    except occupations.RomeRefused as refused:
        raise click.ClickException(f"Nothing imported: {refused}") from None
    db.session.commit()
    click.echo(f"{count.occupations} occupations, {count.titles} titles, {count.mobilities} mobilities")


@accounts_group.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="The person's name.")
@click.option("--territory", "territory_codes", multiple=True, metavar="CODE", help="A région or département to look after, by code or name; may be repeated.")
@click.option("--siret", help="The structure that the person speaks for.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of the input instead of making one up.")
def add_account(email: str, role: str, name: str, territory_codes: tuple[str, ...], siret: str | None, password_stdin: bool) -> None:
    """Open an account, and print its passphrase: this once only."""
    check_address(email)
    given = [territory_of(code) for code in territory_codes]
    if given and role != Role.ANIMATOR:
        raise click.ClickException(f"Only an animator looks after territories: leave out --territory for the role {role}.")
    organisation = organisation_of(siret) if siret else None
    password = read_password() if password_stdin else accounts.new_passphrase()
    try:
        user = accounts.create_account(email=email, password=password, name=name.strip(), role=Role(role), organisation=organisation, territories=given)
    except accounts.NoStructure:
        raise click.ClickException(f"A {role} speaks for a structure: name it with --siret.") from None
    except accounts.NoTerritory:
        raise click.ClickException("An animator looks after a territory: name it with --territory.") from None
    except EmailTaken:
        raise click.ClickException(f"{email} has an account already.") from None
    audit.record(AuditAction.ACCOUNT_OPENED, about=user, changes=audit.compared({}, audit.rights_of(user)))
    db.session.commit()
    click.echo(f"{user.email}: {account_words(user)}")
    if not password_stdin:
        click.echo(f"Passphrase, shown this once: {password}")


def check_address(email: str) -> None:
    try:
        validate_email(email, check_deliverability=False, allow_smtputf8=False, test_environment=current_app.config["DEMO"])
    except EmailNotValidError as error:
        raise click.ClickException(f"{email} is no address that a mail could reach: {error}") from None


def territory_of(code: str) -> Territory:
    territory = accounts.territory_to_give(code)
    if territory is None:
        raise click.ClickException(f"No région or département is {code}. Load its region first: flask reference load --region CODE")
    return territory


def organisation_of(siret: str) -> Organisation:
    try:
        organisation = organisations.organisation_by_siret(organisations.read_siret(siret))
    except organisations.BadSiret as error:
        raise click.ClickException(f"{siret} is no SIRET: {error}") from None
    if organisation is None:
        raise click.ClickException(f"No structure has the SIRET {siret}.")
    return organisation


def read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    weakness = passwords.weakness(password)
    if weakness is passwords.Weakness.LENGTH:
        raise click.ClickException(f"A password has {passwords.LEAST} to {passwords.MOST} characters; this one has {len(password)}.")
    if weakness:
        raise click.ClickException(f"This password is among the first that are tried ({weakness.value}).")
    return password


def account_words(user: User) -> str:
    """An account in one line: its role, what the role is about, and whether it is closed."""
    about = [territory.name for territory in user.territories] + ([user.organisation.name] if user.organisation else [])
    return " ".join([user.role.value, *([f"({', '.join(about)})"] if about else []), *([] if user.is_active else ["closed"])])


@accounts_group.command("list")
def list_accounts() -> None:
    """Every account by its address: role, structure or territories, and the day of the last visit."""
    for user in accounts.accounts():
        seen = user.last_login_at.date().isoformat() if user.last_login_at else "never"
        click.echo(f"{user.email:38}  {seen:10}  {account_words(user)}")


@accounts_group.command("second-factor-off")
@click.argument("email")
def turn_second_factor_off(email: str) -> None:
    """Take the second factor of an account away: its telephone and its recovery codes are lost."""
    user = accounts.account_with(email)
    if user is None:
        raise click.ClickException(f"No account has the address {email}.")
    second_factor.turn_off(user, settings=MailSettings.from_config(current_app.config))
    audit.record(AuditAction.SECOND_FACTOR_OFF, about=user)
    db.session.commit()
    click.echo(f"{user.email}: the password is enough, until another telephone is set up.")


@accounts_group.command("seal-anew")
def seal_anew() -> None:
    """After SECRET_KEY was replaced: seal the secrets of second factors with the new key, so that the old one can be taken away."""
    sealed, lost = second_factor.seal_anew(keys=sealing.keys_of(current_app.config))
    db.session.commit()
    click.echo(f"{sealed} sealed anew.")
    if lost:
        raise click.ClickException(f"{lost} cannot be read with any key that is left: put the old one into SECRET_KEY_FALLBACKS, and try again.")


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
    """In the steps of the task: killed at any moment, it leaves a run that the next worker takes up, or the next such command."""
    with suppress(RunUnderWay):
        matching.request_run(territory)
    db.session.commit()
    run_id = matching.start_in(territory)
    db.session.commit()
    if run_id is None:
        click.echo(f"{territory.code:4}{territory.name:18} a run is under way already")
        return False
    try:
        matching.compute(run_id, today=today())
    except Exception as error:
        db.session.rollback()
        matching.fail(run_id, type(error).__name__)
        db.session.commit()
        raise
    db.session.commit()
    run = db.session.get_one(MatchingRun, run_id)
    if run.status is not RunStatus.READY:
        click.echo(f"{territory.code:4}{territory.name:18} a worker computes it: see the page of runs")
        return False
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


@click.command("snapshot")
def snapshot() -> None:
    """Write down the figures, the white zones and the groups that are due, without waiting for the schedule."""
    for name, take_due in (("figures", observatory_snapshots.take_due), ("white zones", white_zones.take_due)):
        while taken := take_due(at=now()):
            db.session.commit()
            click.echo(f"{name}: " + " ".join(f"{day}" for day in taken))
    for region in territories.regions():
        if nursery.take_due(region, at=now()):
            db.session.commit()
            click.echo(f"groups: {region.name}")


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
    for command in (prepare, rematch, snapshot, url_map, reference_group, import_group, accounts_group, demo_group):
        app.cli.add_command(command)
