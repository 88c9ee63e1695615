"""Commands for the terminal about mails: what waits while the outbox is on hold, and rehearsals of failures."""

import json
import time

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_migrate import upgrade

from matchmaker.extensions import db, nudge
from matchmaker.models import MailStatus
from matchmaker.models.base import now
from matchmaker.services import drills, outbox_hold
from matchmaker.services.outbox import MailSettings
from tasks.outbox import drain

outbox_group = AppGroup("outbox", help="Mails that wait: after a backup was restored, start the workers with OUTBOX_HOLD=1 and decide here.")
drill_group = AppGroup("drill", help="Rehearsals of failures, with invitations to people that do not exist.")


@outbox_group.command("list")
def list_mails() -> None:
    """Every mail that may still leave: number, state, whether it was released, when it was queued, Message-ID, recipient."""
    for mail in outbox_hold.waiting():
        released = "released" if mail.released_at else "-"
        doubt = "maybe-sent" if mail.is_maybe_twice or mail.status is MailStatus.SENDING else "-"
        click.echo(f"{mail.id:>8}  {mail.status:8} {released:9} {doubt:10} {mail.created_at:%Y-%m-%dT%H:%M:%SZ}  {mail.message_id}  {mail.recipient}")


@outbox_group.command("release")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "is_all", is_flag=True, help="Everything that waits now.")
def release(numbers: tuple[int, ...], is_all: bool) -> None:
    """Let mails leave although the outbox is on hold."""
    count = outbox_hold.release(chosen(numbers, is_all), now=now())
    db.session.commit()
    nudge(drain)
    click.echo(f"{count} released")


@outbox_group.command("cancel")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "is_all", is_flag=True, help="Everything that waits now.")
def cancel(numbers: tuple[int, ...], is_all: bool) -> None:
    """Never send these: the relay's log says that they left before."""
    count = outbox_hold.cancel(chosen(numbers, is_all), now=now())
    db.session.commit()
    click.echo(f"{count} cancelled")


def chosen(numbers: tuple[int, ...], is_all: bool) -> tuple[int, ...] | None:
    """The numbers; nothing for all."""
    if bool(numbers) == is_all:
        raise click.ClickException("Name mails by their numbers, or give --all.")
    return None if is_all else numbers


@drill_group.command("reset")
def drill_reset() -> None:
    """Bring the schema up to date, and take away what earlier rehearsals left."""
    upgrade()
    count = drills.reset()
    db.session.commit()
    click.echo(f"{count} mails of earlier rehearsals removed")


@drill_group.command("seed")
@click.option("--n", "count", type=click.IntRange(1, 100_000), default=5000, show_default=True, help="How many.")
@click.option("--every", type=click.FloatRange(min=0.0), default=0.0, help="Seconds between two of them, each committed by itself; without it all are one.")
def drill_seed(count: int, every: float) -> None:
    """Queue N invitations, due at once, each to an address of its own, and print how many that are."""
    queued, began = 0, time.monotonic()
    for turn, size in enumerate([1] * count if every else [count]):
        time.sleep(max(0.0, began + turn * every - time.monotonic()))
        try:
            queued += drills.seed(size, settings=MailSettings.from_config(current_app.config), now=now())
        except drills.RealData:
            raise click.ClickException("This database holds real structures. Rehearse on another one: nothing was changed.") from None
        db.session.commit()
        nudge(drain)
    click.echo(queued)


@drill_group.command("check")
def drill_check() -> None:
    """Print as JSON where the mails of the rehearsal stand. Fails while one of them may still leave."""
    count = drills.count()
    figures = {"total": count.total, "open": count.open, "maybe_twice": count.maybe_twice, "retried": count.retried, **count.statuses}
    click.echo(json.dumps(figures))
    if count.open:
        raise click.exceptions.Exit(1)


def init_app(app: Flask) -> None:
    app.cli.add_command(outbox_group)
    app.cli.add_command(drill_group)
