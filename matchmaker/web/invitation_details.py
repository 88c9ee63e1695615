"""How a structure comes to a job dating: it says so by the link of its invitation, with or without an account."""

from datetime import datetime, time
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import Invitation, JobDating, Organisation, Participant, WishKind
from matchmaker.services import invitations, job_dating_guests, job_datings
from matchmaker.services.errors import NoAccessibleTable, NotAllowedNow, OutsideTheDay, TooManyPeople
from matchmaker.services.job_dating_guests import Coming
from matchmaker.services.job_dating_programmes import ends
from matchmaker.web import formats, limits
from matchmaker.web.access import by_token
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.invitations import REPLACED, bp, gone
from matchmaker.web.job_dating_forms import ComingForm, instant
from matchmaker.web.settings import site_keys

WISH = "souhait-"


@bp.route("/invitations/<token>/venue", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@limiter.limit(limits.ONE_LINK, key_func=limits.link)
@by_token
def details(token: str) -> ResponseReturnValue:
    try:
        invitation = invitations.find_by_token(token, site_keys()) or abort(404)
    except NotAllowedNow:
        return error_page(410, message=REPLACED)
    job_dating = job_datings.job_dating(invitation.job_dating_id) or abort(404)
    participant = job_dating_guests.participant_of(job_dating, invitation.organisation)
    if invitation.withdrawn_at is not None or participant is None or not participant.is_expected or job_dating.has_begun or not job_dating.is_open:
        return gone(invitation)
    form = ComingForm(obj=participant, arrives=clock(participant.arrives_at), leaves=clock(participant.leaves_at))
    if not form.validate_on_submit():
        if "csrf_token" in form.errors:
            return error_page(400, message=LATE_FORM)
        return page(invitation, participant, form, token)
    return record(invitation, participant, form, token)


def record(invitation: Invitation, participant: Participant, form: ComingForm, token: str) -> ResponseReturnValue:
    job_dating = participant.job_dating
    try:
        job_dating_guests.say_how(participant, coming(job_dating, participant, form))
    except OutsideTheDay:
        form.leaves.errors = [
            f"Le job dating dure de {formats.hour(job_dating.starts_at)} à {formats.hour(job_dating.ends_at)}\u00a0: dites quand vous y serez."
        ]
    except TooManyPeople as error:
        over = formats.plural(error.people - error.allowed, "personne de trop", "personnes de trop")
        form.delegates.errors = [f"Le lieu est plein\u00a0: {over}. Venez moins nombreux, ou appelez-nous."]
    except NoAccessibleTable:
        form.needs_accessible.errors = ["Ce lieu n’a pas de table accessible. Appelez-nous\u00a0: nous chercherons une solution avec vous."]
    except NotAllowedNow:
        db.session.rollback()
        return gone(invitation)
    if form.errors:
        db.session.rollback()
        return page(invitation, participant, form, token)
    db.session.commit()
    flash("C’est noté. Nous en tenons compte dans le plan.", "success")
    return redirect(url_for("invitations.answer", token=token))


def coming(job_dating: JobDating, participant: Participant, form: ComingForm) -> Coming:
    """What was typed; a wish counts about those only whom it may meet."""
    day = job_dating.starts_at.astimezone(formats.PARIS).date()
    wishes: dict[UUID, WishKind] = {}
    for partner in partners(job_dating, participant):
        said = request.form.get(f"{WISH}{partner.id}")
        if said in {kind.value for kind in WishKind}:
            wishes[partner.id] = WishKind(said)
    return Coming(
        delegates=form.delegates.data,
        arrives_at=instant(day, form.arrives.data) if form.arrives.data else None,
        leaves_at=instant(day, form.leaves.data) if form.leaves.data else None,
        needs_accessible=form.needs_accessible.data,
        access_note=(form.access_note.data or "").strip(),
        wishes=wishes,
    )


def page(invitation: Invitation, participant: Participant, form: ComingForm, token: str) -> ResponseReturnValue:
    said = {wish.organisation_id: wish.kind.value for wish in participant.wishes}
    said |= {UUID(name.removeprefix(WISH)): value for name, value in request.form.items() if name.startswith(WISH) and is_uuid(name.removeprefix(WISH))}
    others = partners(participant.job_dating, participant)
    shown = render_template(
        "invitations/details.html", invitation=invitation, job_dating=participant.job_dating, form=form, partners=others, said=said, token=token
    )
    return shown, 422 if form.is_submitted() else 200


def partners(job_dating: JobDating, participant: Participant) -> list[Organisation]:
    """Those whom it was chosen to meet, with or without a place in the plan, by name."""
    mine = [meeting for meeting in job_dating.meetings if participant.organisation_id in ends(meeting)]
    shown = [one for one in mine if not (one.match.need.is_confidential or one.match.offer.is_confidential)]
    found = {side.organisation.id: side.organisation for one in shown for side in (one.match.need, one.match.offer)}
    found.pop(participant.organisation_id, None)
    return sorted(found.values(), key=lambda organisation: (organisation.name, organisation.id))


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def clock(at: datetime | None) -> time | None:
    return None if at is None else at.astimezone(formats.PARIS).time()
