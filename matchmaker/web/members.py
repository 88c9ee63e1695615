"""« Notre équipe »: who belongs to a structure, what each may do there, and leaving it."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField

from matchmaker.extensions import db
from matchmaker.models import AuditAction, Organisation, Standing, User
from matchmaker.services import audit, joining, memberships
from matchmaker.services.errors import LastAdministrator
from matchmaker.web import labels
from matchmaker.web.access import found, my_organisation, organisation_in_my_hands, people_required, signed_in, signed_in_required
from matchmaker.web.audit import note
from matchmaker.web.errors import error_page
from matchmaker.web.forms import Form
from matchmaker.web.sessions import enter, leave

bp = Blueprint("members", __name__)
LAST = "Une structure garde toujours quelqu’un qui l’administre. Donnez d’abord l’administration à une autre personne."


class StandingForm(Form):
    standing = SelectField("Droit", choices=labels.choices(Standing))


def member_of(organisation: Organisation, user_id: UUID) -> User:
    """Somebody who speaks for the structure now; anybody else is not there."""
    user: User = found(db.session.get(User, user_id))
    return user if user.organisation_id == organisation.id and user.speaks and user.is_active else abort(404)


@bp.get("/structures/<uuid:organisation_id>/equipe")
@signed_in_required
def team(organisation_id: UUID) -> ResponseReturnValue:
    organisation = organisation_in_my_hands(organisation_id)
    return render_template(
        "members/team.html",
        organisation=organisation,
        members=memberships.members(organisation),
        invitations=joining.invitations(organisation),
        requests=joining.requests(organisation),
        standings=labels.choices(Standing),
        may_change=signed_in().stands(Standing.ADMINISTRATOR),
    )


@bp.post("/structures/<uuid:organisation_id>/equipe/<uuid:user_id>/droit")
@people_required
def change(organisation_id: UUID, user_id: UUID) -> ResponseReturnValue:
    """More, or less, to do. One may step back oneself, as long as somebody else administers."""
    member, form = member_of(organisation_in_my_hands(organisation_id), user_id), StandingForm()
    if not form.validate_on_submit():
        abort(400)
    before = audit.rights_of(member)
    try:
        memberships.change_standing(member, Standing(form.standing.data))
    except LastAdministrator:
        return error_page(409, message=LAST)
    note(AuditAction.RIGHTS_CHANGED, member, changes=audit.compared(before, audit.rights_of(member)))
    db.session.commit()
    if member.id == signed_in().id:
        # Rights changed: the session that had them is over, and a new one begins.
        enter(member)
    flash("C’est enregistré. La personne se reconnecte, et son nouveau droit vaut dès lors.", "success")
    return redirect(url_for(".team", organisation_id=organisation_id))


@bp.post("/structures/<uuid:organisation_id>/equipe/<uuid:user_id>/retirer")
@people_required
def remove(organisation_id: UUID, user_id: UUID) -> ResponseReturnValue:
    member = member_of(organisation_in_my_hands(organisation_id), user_id)
    if member.id == signed_in().id:
        return redirect(url_for(".go"))
    before = audit.rights_of(member)
    try:
        memberships.leave(member)
    except LastAdministrator:
        return error_page(409, message=LAST)
    note(AuditAction.MEMBERS_CHANGED, member, changes=audit.compared(before, audit.rights_of(member)))
    db.session.commit()
    flash(f"{member.name or member.email} ne parle plus pour la structure. Ses annonces et ses réponses restent.", "success")
    return redirect(url_for(".team", organisation_id=organisation_id))


@bp.route("/compte/quitter", methods=["GET", "POST"])
@signed_in_required
def go() -> ResponseReturnValue:
    """Leave one's structure."""
    user, form = signed_in(), Form()
    organisation = my_organisation() if user.speaks else abort(403)
    if not form.validate_on_submit():
        is_last = memberships.is_administrator(user) and [one.id for one in memberships.administrators(organisation)] == [user.id]
        return render_template("members/go.html", form=form, organisation=organisation, is_last=is_last)
    before = audit.rights_of(user)
    try:
        memberships.leave(user)
    except LastAdministrator:
        return error_page(409, message=LAST)
    note(AuditAction.MEMBERS_CHANGED, user, by=user, changes=audit.compared(before, audit.rights_of(user)))
    db.session.commit()
    leave()
    flash("C’est fait. Vous ne parlez plus pour cette structure, et ses annonces restent.", "success")
    return redirect(url_for("pages.home"))
