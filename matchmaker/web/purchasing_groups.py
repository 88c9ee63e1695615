"""Answering an open search, alone or together: the page of the members, and what each of them and the lead may do."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, limiter, nudge
from matchmaker.models import GroupAnswer, GroupMember, Liability
from matchmaker.models.purchasing import LONGEST_PART
from matchmaker.services import purchasing_groups, purchasing_groups_reading, purchasing_searches
from matchmaker.services.errors import ChangedMeanwhile, NotAllowedNow
from matchmaker.services.purchasing_groups import NotReady, TooManyMembers
from matchmaker.web import purchasing_words
from matchmaker.web.access import found, member_required, my_organisation
from matchmaker.web.forms import clean
from matchmaker.web.purchasing_groups_forms import CommentForm, InviteForm, PartForm, TermsForm
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("purchasing_groups", __name__)


def my_part(group_id: UUID) -> GroupMember:
    """This structure's part in an answer that it was asked into."""
    member: GroupMember = found(purchasing_groups_reading.member_of(my_organisation(), group_id))
    return member


def my_group(group_id: UUID) -> GroupAnswer:
    """An answer that this structure leads."""
    group = my_part(group_id).group
    return group if group.lead_id == my_organisation().id else abort(404)


def my_groups_member(member_id: UUID) -> GroupMember:
    """A member of an answer that this structure leads."""
    member = db.session.get(GroupMember, member_id)
    if member is None:
        abort(404)
    return next(one for one in my_group(member.group_id).members if one.id == member_id)


@bp.get("/achats/reponses")
@member_required
def mine() -> ResponseReturnValue:
    members = purchasing_groups_reading.memberships(my_organisation())
    return render_template("purchasing/groups.html", members=members, awaits=purchasing_groups_reading.awaits, words=purchasing_words)


@bp.post("/achats/recherches/<uuid:open_id>/repondre")
@member_required
def begin(open_id: UUID) -> ResponseReturnValue:
    """Lead an answer; the one that there is, if there is one."""
    search = found(purchasing_searches.search(open_id))
    try:
        group = purchasing_groups.begin(search, my_organisation())
    except NotAllowedNow as refused:
        db.session.rollback()
        flash(purchasing_words.refusal(str(refused)), "warn")
        return redirect(url_for("purchasing_searches.show", open_id=open_id))
    db.session.commit()
    return redirect(url_for(".show", group_id=group.id))


@bp.get("/achats/reponses/<uuid:group_id>")
@member_required
def show(group_id: UUID) -> ResponseReturnValue:
    return page(my_part(group_id))


def page(
    member: GroupMember, *, terms: TermsForm | None = None, parts: dict[UUID, PartForm] | None = None, inviting: InviteForm | None = None
) -> ResponseReturnValue:
    """The answer as this structure may see and change it: 422 with what is to be corrected."""
    group = member.group
    if not member.is_present:
        return render_template("purchasing/group_left.html", member=member, group=group, words=purchasing_words)
    first = {"summary": group.summary, "contact": group.contact or contact_of(group), "liability": group.liability.value}
    return render_template(
        "purchasing/group.html",
        member=member,
        group=group,
        search=group.search,
        is_lead=group.lead_id == member.organisation_id,
        may_answer=group.state == "composed" and group.search.is_open,
        terms=terms or TermsForm(formdata=None, data=first),
        parts=parts or part_forms(group, sent=False),
        inviting=inviting or InviteForm(formdata=None, prefix="invite"),
        comment=CommentForm(formdata=None),
        missing=missing(group),
        words=purchasing_words,
    ), 422 if terms or inviting else 200


def contact_of(group: GroupAnswer) -> str:
    """How the lead may be reached, as a start: it is the lead's to change."""
    return ", ".join(word for word in (group.lead.name, group.lead.phone, group.lead.email) if word)[:LONGEST_PART]


def part_forms(group: GroupAnswer, *, sent: bool) -> dict[UUID, PartForm]:
    first = {one.id: {"part": one.part, "share": one.share} for one in group.present}
    return {row_id: PartForm(prefix=str(row_id)) if sent else PartForm(formdata=None, prefix=str(row_id), data=data) for row_id, data in first.items()}


def missing(group: GroupAnswer) -> str:
    """What stands between the answer and the buyer; nothing when it is ready."""
    try:
        purchasing_groups.check_ready(group)
    except NotReady as refused:
        return purchasing_words.NOT_READY[refused.why]
    return ""


@bp.post("/achats/reponses/<uuid:group_id>/termes")
@member_required
def set_terms(group_id: UUID) -> ResponseReturnValue:
    group, form = my_group(group_id), TermsForm()
    parts = part_forms(group, sent=True) if group.is_together else {}
    if not all([form.validate_on_submit(), *(one.validate() for one in parts.values())]):
        return page(my_part(group_id), terms=form, parts=parts or None)
    told = {row_id: (one.part.data, one.share.data) for row_id, one in parts.items()}
    try:
        asked_again = purchasing_groups.set_terms(
            group, summary=form.summary.data, contact=form.contact.data, liability=Liability(form.liability.data), parts=told, settings=mail_settings()
        )
    except NotAllowedNow as refused:
        return refusal(refused, group_id)
    return done(
        "C’est enregistré." + (" Les structures qui avaient dit oui reçoivent les nouveaux termes, et répondent de nouveau." if asked_again else ""), group_id
    )


@bp.post("/achats/reponses/<uuid:group_id>/inviter")
@limiter.limit("20 per minute")
@member_required
def invite(group_id: UUID) -> ResponseReturnValue:
    group, form = my_group(group_id), InviteForm(prefix="invite")
    organisation = form.organisation() if form.validate_on_submit() else None
    if organisation is None:
        return page(my_part(group_id), inviting=form)
    try:
        purchasing_groups.invite(group, organisation, part=form.part.data, share=form.share.data, settings=mail_settings())
    except TooManyMembers:
        db.session.rollback()
        flash(
            f"Rien n’est parti. Un groupe compte {purchasing_groups.MOST_MEMBERS} structures au plus, et on en invite "
            f"{purchasing_groups.MOST_INVITATIONS_A_DAY} par jour au plus.",
            "warn",
        )
        return redirect(url_for(".show", group_id=group_id))
    except NotAllowedNow as refused:
        return refusal(refused, group_id)
    return done(f"C’est demandé. {organisation.name} lit votre proposition et répond oui ou non.", group_id)


@bp.post("/achats/reponses/<uuid:group_id>/oui")
@member_required
def accept(group_id: UUID) -> ResponseReturnValue:
    member, form, terms = my_part(group_id), CommentForm(), request.form.get("termes", type=int)
    try:
        purchasing_groups.accept(member, terms=terms or 0, comment=clean(form.comment.data)[:LONGEST_PART], settings=mail_settings())
    except ChangedMeanwhile:
        db.session.rollback()
        flash("Rien n’a été changé. La réponse a été modifiée pendant que vous lisiez\u00a0: relisez-la, puis dites oui ou non.", "warn")
        return redirect(url_for(".show", group_id=group_id))
    except NotAllowedNow as refused:
        return refusal(refused, group_id)
    return done("Votre oui est noté. Rien n’est remis avant que chacun ait dit oui.", group_id)


@bp.post("/achats/reponses/<uuid:group_id>/non")
@member_required
def decline(group_id: UUID) -> ResponseReturnValue:
    form = CommentForm()
    return act(
        lambda: purchasing_groups.decline(my_part(group_id), comment=clean(form.comment.data)[:LONGEST_PART], settings=mail_settings()),
        "Votre non est noté. Vous n’êtes engagés à rien dans cette réponse.",
        group_id,
    )


@bp.post("/achats/reponses/<uuid:group_id>/revenir")
@member_required
def come_back(group_id: UUID) -> ResponseReturnValue:
    """Who said no reads the terms again, and may say yes to them."""
    member = my_part(group_id)
    return act(
        lambda: purchasing_groups.come_back(member, settings=mail_settings()),
        "Vous êtes de nouveau invités. Lisez les termes, puis dites oui ou non.",
        group_id,
    )


@bp.post("/achats/reponses/<uuid:group_id>/remettre")
@member_required
def hand_in(group_id: UUID) -> ResponseReturnValue:
    group = my_group(group_id)
    try:
        purchasing_groups.hand_in(group, settings=mail_settings())
    except NotReady as refused:
        db.session.rollback()
        flash(f"Rien n’est remis. {purchasing_words.NOT_READY[refused.why]}", "warn")
        return redirect(url_for(".show", group_id=group_id))
    except NotAllowedNow as refused:
        return refusal(refused, group_id)
    return done("La réponse est remise. L’acheteur la lit dès maintenant, comme une seule réponse.", group_id)


@bp.post("/achats/reponses/<uuid:group_id>/reprendre")
@member_required
def reopen(group_id: UUID) -> ResponseReturnValue:
    group = my_group(group_id)
    return act(
        lambda: purchasing_groups.reopen(group, settings=mail_settings()),
        "La réponse est reprise. L’acheteur ne la lit plus\u00a0: changez-la, puis remettez-la avant la date limite.",
        group_id,
    )


@bp.post("/achats/reponses/<uuid:group_id>/retirer")
@member_required
def withdraw(group_id: UUID) -> ResponseReturnValue:
    group = my_group(group_id)
    return act(lambda: purchasing_groups.withdraw(group, settings=mail_settings()), "La réponse est retirée. Plus personne n’y est engagé.", group_id)


@bp.post("/achats/membres/<uuid:member_id>/retirer")
@member_required
def take_off(member_id: UUID) -> ResponseReturnValue:
    member = my_groups_member(member_id)
    words = f"{member.organisation.name} n’est plus dans le groupe. Sa part revient à la vôtre."
    return act(lambda: purchasing_groups.take_off(member, settings=mail_settings()), words, member.group_id)


@bp.post("/achats/membres/<uuid:member_id>/mandataire")
@member_required
def pass_lead(member_id: UUID) -> ResponseReturnValue:
    member = my_groups_member(member_id)
    words = f"{member.organisation.name} parle maintenant pour le groupe. Vous restez cotraitant."
    return act(lambda: purchasing_groups.pass_lead(member, settings=mail_settings()), words, member.group_id)


def act(what: Callable[[], None], words: str, group_id: UUID) -> ResponseReturnValue:
    try:
        what()
    except NotAllowedNow as refused:
        return refusal(refused, group_id)
    return done(words, group_id)


def done(words: str, group_id: UUID) -> ResponseReturnValue:
    db.session.commit()
    nudge(drain)
    flash(words, "success")
    return redirect(url_for(".show", group_id=group_id))


def refusal(refused: NotAllowedNow, group_id: UUID) -> ResponseReturnValue:
    db.session.rollback()
    flash(purchasing_words.refusal(str(refused)), "warn")
    return redirect(url_for(".show", group_id=group_id))


@bp.after_request
def set_headers(response: Response) -> Response:
    """What a group prepares goes to no search engine and no cache."""
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
