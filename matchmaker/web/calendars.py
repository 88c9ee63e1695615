"""Calendars to subscribe to, and the answers of calendars that wait for who is in charge."""

from uuid import UUID

from flask import Blueprint, Response, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from matchmaker import ics
from matchmaker.extensions import db, limiter
from matchmaker.models import Answer, JobDating, User, Venue
from matchmaker.services import calendar_feeds, calendar_replies
from matchmaker.services.calendar_feeds import Feed
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import formats
from matchmaker.web.access import by_token, found, host_required, job_dating_in_my_hands, signed_in, signed_in_required, venue_in_my_hands
from matchmaker.web.job_dating_plan import meetings_of
from matchmaker.web.settings import mail_settings, site_keys

bp = Blueprint("calendars", __name__)

RENEWED = "L’adresse de l’agenda est renouvelée. L’ancienne ne donne plus rien\u00a0: abonnez-vous de nouveau avec la nouvelle."


@bp.get("/agenda/<token>.ics")
@limiter.limit("120 per minute")
@by_token
def feed(token: str) -> ResponseReturnValue:
    """The calendar behind its address. Asked for again, it is not sent when nothing changed."""
    keys = site_keys()
    owner = calendar_feeds.find_by_token(token, keys) or abort(410 if calendar_feeds.is_of_nobody(token, keys) else 404)
    if isinstance(owner, User) and owner.is_demo and not current_app.config["DEMO"]:
        abort(404)
    shown = calendar_feeds.feed(owner)
    response = Response(ics.feed([entry(shown, one) for one in shown.job_datings], name=name_of(owner)), content_type="text/calendar; charset=utf-8")
    response.add_etag()
    response.last_modified = shown.changed_at
    response.headers["Cache-Control"] = "private, max-age=300"
    response.headers["Content-Disposition"] = "inline; filename=agenda.ics"
    return response.make_conditional(request)


@bp.after_request
def set_headers(response: Response) -> Response:
    """The address is a key: it goes to no other site and no search engine."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def name_of(owner: User | Venue) -> str:
    return f"La Croisée\u00a0: {owner.name}" if isinstance(owner, Venue) else "La Croisée"


def entry(shown: Feed, job_dating: JobDating) -> ics.Entry:
    """One job dating as the calendar's owner needs it: with its own meetings, or with how many are expected."""
    venue, invitation, settings = job_dating.venue, shown.invitations.get(job_dating.id), mail_settings()
    return ics.Entry(
        # Not that of the invitation: who has both keeps both, and one does not take the other's place.
        uid=f"job-dating-{job_dating.id}@{settings.host}",
        changed_at=max(job_dating.updated_at, invitation.updated_at) if invitation else job_dating.updated_at,
        starts_at=job_dating.starts_at,
        ends_at=job_dating.ends_at,
        summary=job_dating.title,
        location=", ".join(part for part in (venue.name, venue.address, venue.commune.name) if part),
        description=description(shown, job_dating),
        url=f"{settings.public_url}{url_for('job_datings.show', job_dating_id=job_dating.id)}",
        is_tentative=invitation is not None and (invitation.answer is not Answer.ACCEPTED or invitation.asks_again),
    )


def description(shown: Feed, job_dating: JobDating) -> str:
    lines = [f"Premier tour à {formats.hour(job_dating.round_starts_at(0))}."]
    if job_dating.id in shown.invitations and isinstance(shown.owner, User) and shown.owner.organisation:
        for meeting, other in meetings_of(job_dating, shown.owner.organisation):
            at = f"{formats.hour(job_dating.round_starts_at(meeting.round))}, table {meeting.table.number}" if meeting.table else "À placer"
            lines.append(f"{at}\u00a0: {other.name}")
    else:
        lines.append(
            f"{formats.plural(len(job_dating.expected), 'structure', 'structures')}, {formats.plural(len(job_dating.planned), 'entretien', 'entretiens')}."
        )
    return "\n".join([*lines, *([job_dating.venue.access_text] if job_dating.venue.access_text else [])])


@bp.app_template_global()
def feed_address(owner: User | Venue) -> Markup:
    """The address to subscribe to, made from our own address only."""
    path = url_for("calendars.feed", token=calendar_feeds.token(owner, current_app.config["SECRET_KEY"]))
    return Markup("{}{}").format(mail_settings().public_url, path)


@bp.post("/compte/agenda")
@signed_in_required
def renew_mine() -> ResponseReturnValue:
    calendar_feeds.renew(signed_in())
    db.session.commit()
    flash(RENEWED, "success")
    return redirect(url_for("accounts.mine"))


@bp.post("/lieux/<uuid:venue_id>/agenda")
@host_required
def renew_venue(venue_id: UUID) -> ResponseReturnValue:
    venue = venue_in_my_hands(venue_id)
    calendar_feeds.renew(venue)
    db.session.commit()
    flash(RENEWED, "success")
    return redirect(url_for("venues.show", venue_id=venue.id))


@bp.post("/mes-job-datings/<uuid:job_dating_id>/reponses/<uuid:reply_id>/noter")
@host_required
def take_reply(job_dating_id: UUID, reply_id: UUID) -> ResponseReturnValue:
    return settle(job_dating_id, reply_id, is_taken=True)


@bp.post("/mes-job-datings/<uuid:job_dating_id>/reponses/<uuid:reply_id>/ecarter")
@host_required
def dismiss_reply(job_dating_id: UUID, reply_id: UUID) -> ResponseReturnValue:
    return settle(job_dating_id, reply_id, is_taken=False)


def settle(job_dating_id: UUID, reply_id: UUID, *, is_taken: bool) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    reply = found(calendar_replies.reply_to(job_dating, reply_id))
    name = reply.invitation.organisation.name
    try:
        calendar_replies.settle(reply, is_taken=is_taken)
    except NotAllowedNow:
        db.session.rollback()
        flash("Cette réponse est déjà traitée, ou le temps de répondre est passé.", "message")
        return redirect(url_for("job_datings.planner", job_dating_id=job_dating_id))
    db.session.commit()
    flash(f"La réponse de {name} est notée." if is_taken else f"La réponse reçue pour {name} est écartée.", "success")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating_id))
