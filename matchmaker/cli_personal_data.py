"""Commands for the terminal about people who were erased: `./croisee restore` runs the second one on what a backup brought back."""

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import outbox, personal_data_erased
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox import MailSettings
from matchmaker.services.personal_data_erased import Line

erasures_group = AppGroup("erasures", help="Who was erased: the list outside of the database (ERASURES_FILE), and erasing them again after a restore.")


@erasures_group.command("keep")
def keep() -> None:
    """Bring the list up to the audit log. Workers do so by themselves."""
    count = personal_data_erased.keep(list_of_this_site(), at=now())
    click.echo(f"{count} new in {list_of_this_site()}")


@erasures_group.command("replay")
def replay() -> None:
    """Erase again whoever a restored backup brought back, and end the sessions and links that it brought back."""
    lines = read_list()
    outbox.reclaim_dead(now=now())
    personal_data_erased.end_ways_in()
    db.session.commit()
    again = sum(erase_again(line, lines) for line in lines)
    personal_data_erased.keep(list_of_this_site(), at=now())
    click.echo(f"Of {len(lines)} on the list of erasures, {again} had come back: erased again. All sessions and links of accounts are over.")


def erase_again(line: Line, lines: list[Line]) -> bool:
    try:
        is_done = personal_data_erased.erase_again(line, lines, settings=MailSettings.from_config(current_app.config))
    except NotAllowedNow:
        db.session.rollback()
        raise click.ClickException(f"A worker is sending a mail to {line}. Stop the workers, and replay again.") from None
    db.session.commit()
    return is_done


def read_list() -> list[Line]:
    try:
        return personal_data_erased.read(list_of_this_site())
    except FileNotFoundError:
        raise click.ClickException(f"There is no {list_of_this_site()}: whoever was erased since the backup is back. Bring the list, then replay.") from None
    except ValueError:
        raise click.ClickException(f"{list_of_this_site()} is no list of erasures: nobody was erased again.") from None


def list_of_this_site() -> Path:
    return Path(current_app.config["ERASURES_FILE"])


def init_app(app: Flask) -> None:
    app.cli.add_command(erasures_group)
