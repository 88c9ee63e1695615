"""The nursery of poles of cooperation, for who looks after a territory: the groups, one with its drawing, whom to invite."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectMultipleField, TextAreaField

from matchmaker.extensions import db, nudge
from matchmaker.models import Channel, Cluster, ClusterAnswer, ClusterInvitation, ClusterMember, Function, Territory
from matchmaker.models.base import today
from matchmaker.services import mails, nursery, nursery_invitations
from matchmaker.services.nursery import TOGETHER_KIND
from matchmaker.services.observatory_places import code_of
from matchmaker.web import formats, labels
from matchmaker.web.access import animator_required, found, signed_in
from matchmaker.web.forms import Form, at_most, clean, required
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("nursery", __name__)

# A page of more is read by nobody; the count stands below it.
MOST = 60
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
class Sheet:
    """How large a drawing is: one for screens, one for telephones, on which the numbers are as easy to read."""

    css: str
    width: float
    height: float
    radius: float

    def place(self, member: ClusterMember) -> tuple[float, float]:
        edge = self.radius * 1.6
        return round(edge + member.x * (self.width - 2 * edge), 1), round(edge + member.y * (self.height - 2 * edge), 1)


SHEETS = (Sheet("lc-graph-wide", 1000.0, 620.0, 24.0), Sheet("lc-graph-tall", 340.0, 460.0, 13.0))


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


@dataclass(frozen=True)
class Drawing:
    sheet: Sheet
    dots: list[Dot]
    lines: list[Line]


@bp.get("/pepiniere")
@animator_required
def all_clusters() -> ResponseReturnValue:
    departements = mails.departements_of(signed_in())
    code = clean(request.args.get("territoire"))[:30]
    territory = next((one for one in departements if code_of(one) == code), departements[0] if departements and not code else None)
    snapshot = nursery.newest(territory) if territory is not None else None
    clusters = nursery.touching(snapshot, territory) if snapshot is not None and territory is not None else []
    invited = nursery_invitations.invited_lately([member.organisation_id for one in clusters[:MOST] for member in one.members])
    body = render_template(
        "nursery/all.html",
        departements=departements,
        territory=territory,
        snapshot=snapshot,
        clusters=clusters[:MOST],
        count=len(clusters),
        said={one.id: said(one, invited) for one in clusters[:MOST]},
        places={one.id: places_of(one) for one in clusters[:MOST]},
        code_of=code_of,
        name=name_of,
        missing=missing_words,
    )
    return body, 200 if territory is not None or not code else 404


@bp.route("/pepiniere/<uuid:cluster_id>", methods=["GET", "POST"])
@animator_required
def show(cluster_id: UUID) -> ResponseReturnValue:
    """The group; a POST invites those that were ticked, and nobody else."""
    cluster, form = cluster_in_my_care(cluster_id), InviteForm()
    mine = {member.organisation_id for member in cluster.members if signed_in().looks_after(member.organisation.territory)}
    home = home_of(cluster, mine)
    organisations = [member.organisation for member in cluster.members if member.organisation_id in mine]
    invited = nursery_invitations.invited_lately([member.organisation_id for member in cluster.members])
    why_not = nursery_invitations.why_not(organisations, today=today())
    open_to = [one for one in organisations if one.id not in invited and one.id not in why_not]
    form.members.choices = [(str(one.id), one.name) for one in open_to]
    links = links_of(cluster, mine)
    if not form.validate_on_submit():
        body = render_template(
            "nursery/show.html",
            form=form,
            cluster=cluster,
            mine=mine,
            territory=home,
            code=code_of(home),
            name=name_of(cluster),
            places=places_of(cluster),
            missing=missing_words(cluster),
            drawings=[drawing(cluster, links, sheet) for sheet in SHEETS],
            together=sum(kind == TOGETHER_KIND for _one, _other, kind in links),
            counts=link_counts(cluster, links),
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
    told = f"{formats.plural(len(sent), 'structure est invitée', 'structures sont invitées')}."
    flash(
        told + (f" {formats.plural(left, 'ne l’est pas', 'ne le sont pas')}\u00a0: assez sollicitées en ce moment." if left else ""),
        "success" if sent else "message",
    )
    return redirect(url_for(".show", cluster_id=cluster_id))


@bp.post("/pepiniere/invitations/<uuid:cluster_invitation_id>")
@animator_required
def note(cluster_invitation_id: UUID) -> ResponseReturnValue:
    """What an invited structure told the animator; its own answer comes by the link of its mail."""
    invitation: ClusterInvitation = found(nursery_invitations.invitation(cluster_invitation_id))
    if not signed_in().looks_after(invitation.territory):
        abort(404)
    if request.form.get("reponse") not in {*ClusterAnswer}:
        abort(422)
    nursery_invitations.answer(invitation, ClusterAnswer(request.form["reponse"]), channel=Channel.ANIMATOR)
    db.session.commit()
    flash(f"C’est noté. {invitation.organisation.name}\u00a0: {labels.label(invitation.answer)}.", "success")
    if invitation.cluster_id is not None:
        return redirect(url_for(".show", cluster_id=invitation.cluster_id))
    return redirect(url_for(".all_clusters", territoire=code_of(invitation.territory)))


def cluster_in_my_care(cluster_id: UUID) -> Cluster:
    """A group of a region is for who looks after the region, or after one of its members."""
    cluster: Cluster = found(nursery.cluster(cluster_id))
    places = {member.organisation.territory for member in cluster.members} | {cluster.snapshot.territory}
    return cluster if any(signed_in().looks_after(place) for place in places) else abort(404)


def home_of(cluster: Cluster, mine: set[UUID]) -> Territory:
    """The département from which this person comes to the group."""
    return next((member.organisation.territory for member in cluster.members if member.organisation_id in mine), cluster.snapshot.territory)


def name_of(cluster: Cluster) -> str:
    """« Groupe 1, emploi et insertion »."""
    return f"Groupe {cluster.position + 1}" + (f", {labels.theme(cluster.theme)}" if cluster.theme else "")


def missing_words(cluster: Cluster) -> str:
    return formats.enumeration([MISSING[Function(code)] for code in cluster.missing])


def places_of(cluster: Cluster) -> list[str]:
    """The départements that it lies in, by name."""
    return sorted({member.organisation.territory.name for member in cluster.members if member.organisation.territory})


def said(cluster: Cluster, invited: dict[UUID, ClusterInvitation]) -> str:
    """« 3 invitées, dont 1 intéressée »; nothing before the first invitation."""
    asked = [invited[member.organisation_id] for member in cluster.members if member.organisation_id in invited]
    willing = sum(one.answer is ClusterAnswer.INTERESTED for one in asked)
    told = formats.plural(len(asked), "invitée", "invitées")
    return "" if not asked else told + (f", dont {formats.plural(willing, 'intéressée', 'intéressées')}" if willing else "")


def links_of(cluster: Cluster, mine: set[UUID]) -> list[tuple[int, int, str]]:
    """Those that this person may see: of two structures that others look after, what they concluded together is not told."""
    known = {member.position for member in cluster.members if member.organisation_id in mine}
    places = {member.position for member in cluster.members}
    links = [(one, other, kind) for one, other, kind in cluster.links if {one, other} <= places]
    return [(one, other, kind) for one, other, kind in links if kind != TOGETHER_KIND or known & {one, other}]


def drawing(cluster: Cluster, links: list[tuple[int, int, str]], sheet: Sheet) -> Drawing:
    """Likenesses first, so that cooperations lie on them."""
    places = {member.position: sheet.place(member) for member in cluster.members}
    lines = [Line(*places[one], *places[other], kind == TOGETHER_KIND) for one, other, kind in links]
    dots = [Dot(member.position + 1, *places[member.position], member.organisation.is_ess) for member in cluster.members]
    return Drawing(sheet, dots, sorted(lines, key=lambda line: line.is_together))


def link_counts(cluster: Cluster, links: list[tuple[int, int, str]]) -> dict[int, tuple[int, int]]:
    """Position → with how many members it works already, and to how many it is near."""
    found = {member.position: [0, 0] for member in cluster.members}
    for one, other, kind in links:
        for end in (one, other):
            found[end][0 if kind == TOGETHER_KIND else 1] += 1
    return {position: (together, near) for position, (together, near) in found.items()}
