"""The nursery of poles of cooperation, for who looks after a territory: the groups, one with its drawing, whom to invite."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectMultipleField, TextAreaField

from matchmaker.extensions import db, nudge
from matchmaker.models import Cluster, ClusterAnswer, ClusterInvitation, ClusterMember, Function
from matchmaker.models.base import today
from matchmaker.services import mails, nursery, nursery_invitations
from matchmaker.services.nursery import TOGETHER_KIND
from matchmaker.services.observatory_places import code_of
from matchmaker.web import labels
from matchmaker.web.access import animator_required, found, signed_in
from matchmaker.web.forms import Form, at_most, clean, required
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("nursery", __name__)

WIDTH, HEIGHT, MARGIN = 1000.0, 620.0, 60.0
MISSING = {
    Function.ESS: "une structure de l’ESS",
    Function.COMPANY: "une entreprise",
    Function.PUBLIC: "une collectivité ou un organisme public",
    Function.TRAINING: "une structure qui forme",
    Function.THIRD_PLACE: "un tiers-lieu",
    Function.INCLUSION: "une structure d’insertion ou du handicap",
}


class InviteForm(Form):
    members = SelectMultipleField("Structures", [required("Cochez au moins une structure.")])
    message = TextAreaField("Votre message", [at_most(1000)])


@dataclass(frozen=True)
class Dot:
    number: int
    x: float
    y: float
    is_ess: bool


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    is_together: bool


@bp.get("/pepiniere")
@animator_required
def all_clusters() -> ResponseReturnValue:
    departements = mails.departements_of(signed_in())
    code = clean(request.args.get("territoire"))[:30]
    territory = next((one for one in departements if code_of(one) == code), departements[0] if departements and not code else None)
    snapshot = nursery.newest(territory) if territory is not None else None
    body = render_template(
        "nursery/all.html", departements=departements, territory=territory, snapshot=snapshot, code_of=code_of, name=name_of, missing=missing_words
    )
    return body, 200 if territory is not None or not code else 404


@bp.route("/pepiniere/<uuid:cluster_id>", methods=["GET", "POST"])
@animator_required
def show(cluster_id: UUID) -> ResponseReturnValue:
    """The group; a POST invites those that were ticked, and nobody else."""
    cluster, form = cluster_in_my_care(cluster_id), InviteForm()
    organisations = [member.organisation for member in cluster.members]
    invited = nursery_invitations.invited_lately([one.id for one in organisations])
    why_not = nursery_invitations.why_not(organisations, today=today())
    open_to = [one for one in organisations if one.id not in invited and one.id not in why_not]
    form.members.choices = [(str(one.id), one.name) for one in open_to]
    if not form.validate_on_submit():
        body = render_template(
            "nursery/show.html",
            form=form,
            cluster=cluster,
            territory=cluster.snapshot.territory,
            code=code_of(cluster.snapshot.territory),
            name=name_of(cluster),
            missing=missing_words(cluster),
            dots=dots(cluster),
            lines=lines(cluster),
            counts=link_counts(cluster),
            invited=invited,
            why_not=why_not,
            open_to={str(one.id) for one in open_to},
        )
        return body, 422 if form.is_submitted() else 200
    chosen = [one for one in open_to if str(one.id) in form.members.data]
    sent = nursery_invitations.invite(cluster, chosen, by=signed_in(), message=form.message.data, today=today(), settings=mail_settings())
    db.session.commit()
    nudge(drain)
    left = len(chosen) - len(sent)
    told = f"{labels.plural(len(sent), 'structure est invitée', 'structures sont invitées')}."
    flash(
        told + (f" {labels.plural(left, 'ne l’est pas', 'ne le sont pas')}\u00a0: assez sollicitées en ce moment." if left else ""),
        "success" if sent else "message",
    )
    return redirect(url_for(".show", cluster_id=cluster_id))


@bp.post("/pepiniere/invitations/<uuid:cluster_invitation_id>")
@animator_required
def note(cluster_invitation_id: UUID) -> ResponseReturnValue:
    """What an invited structure told the animator."""
    invitation: ClusterInvitation = found(nursery_invitations.invitation(cluster_invitation_id))
    if not signed_in().looks_after(invitation.territory):
        abort(404)
    if request.form.get("reponse") not in {*ClusterAnswer}:
        abort(422)
    nursery_invitations.note(invitation, ClusterAnswer(request.form["reponse"]))
    db.session.commit()
    flash(f"C’est noté. {invitation.organisation.name}\u00a0: {labels.label(invitation.answer)}.", "success")
    return redirect(url_for(".all_clusters", territoire=code_of(invitation.territory)))


def cluster_in_my_care(cluster_id: UUID) -> Cluster:
    cluster: Cluster = found(nursery.cluster(cluster_id))
    return cluster if signed_in().looks_after(cluster.snapshot.territory) else abort(404)


def name_of(cluster: Cluster) -> str:
    """« Groupe 1, emploi et insertion »."""
    return f"Groupe {cluster.position + 1}" + (f", {labels.theme(cluster.theme)}" if cluster.theme else "")


def missing_words(cluster: Cluster) -> str:
    return labels.enumeration([MISSING[Function(code)] for code in cluster.missing])


def place(member: ClusterMember) -> tuple[float, float]:
    return round(MARGIN + member.x * (WIDTH - 2 * MARGIN), 1), round(MARGIN + member.y * (HEIGHT - 2 * MARGIN), 1)


def dots(cluster: Cluster) -> list[Dot]:
    return [Dot(member.position + 1, *place(member), member.organisation.is_ess) for member in cluster.members]


def lines(cluster: Cluster) -> list[Line]:
    """Likenesses first, so that cooperations lie on them."""
    places = {member.position: place(member) for member in cluster.members}
    drawn = [Line(*places[one], *places[other], kind == TOGETHER_KIND) for one, other, kind in cluster.links if one in places and other in places]
    return sorted(drawn, key=lambda line: line.is_together)


def link_counts(cluster: Cluster) -> dict[int, tuple[int, int]]:
    """Position → with how many members it works already, and to how many it is near."""
    found = {member.position: [0, 0] for member in cluster.members}
    for one, other, kind in cluster.links:
        for end in (one, other):
            if end in found:
                found[end][0 if kind == TOGETHER_KIND else 1] += 1
    return {position: (together, near) for position, (together, near) in found.items()}
