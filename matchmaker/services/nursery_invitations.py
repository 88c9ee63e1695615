"""Inviting members of a group to speak of a pole of cooperation: by an animator, one by one, within what each structure accepts; their answers."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Channel, Cluster, ClusterAnswer, ClusterInvitation, ClusterMember, Obstacle, Organisation, User
from matchmaker.models.base import now
from matchmaker.models.nursery import PEACE
from matchmaker.services import asking_budgets, mails, outbox, signed_links
from matchmaker.services.errors import NotAllowedNow

SALT = "nursery answer"


def invite(
    cluster: Cluster, organisations: Sequence[Organisation], *, by: User, message: str, today: date, settings: outbox.MailSettings
) -> list[ClusterInvitation]:
    """Write to these members that can be written to, were not invited lately and accept one more solicitation. Returns who was invited."""
    # Two animators at once: the second waits here, and finds whom the first invited.
    db.session.refresh(cluster, Cluster.__table__.columns.keys(), with_for_update=True)
    lately = invited_lately([one.id for one in organisations])
    asked = [one for one in mails.preview(organisations, "cluster_invitation", today=today).receives if one.id not in lately]
    refused = asking_budgets.take({one.id: 1 for one in asked}, day=today) if asked else set()
    found = []
    for organisation in asked:
        if organisation.id in refused:
            continue
        invitation = ClusterInvitation(territory=organisation.territory, organisation=organisation, cluster=cluster, invited_by=by, message=message)
        db.session.add(invitation)
        db.session.flush()
        outbox.queue(
            "cluster_invitation",
            uid=f"cluster-{invitation.id}",
            recipient=organisation.email,
            organisation_id=organisation.id,
            settings=settings,
            reply_to=by.email,
            organisation=organisation,
            cluster=cluster,
            others=others_of(cluster, organisation.id),
            message=message,
            by=by,
            link=f"{settings.public_url}/pepiniere/reponses/{token(invitation, settings.secret)}",
            ends_at=invitation.ends_at,
        )
        found.append(invitation)
    return found


def others_of(cluster: Cluster, organisation_id: UUID) -> list[Organisation]:
    return [member.organisation for member in cluster.members if member.organisation_id != organisation_id]


def invited_lately(organisation_ids: Sequence[UUID]) -> dict[UUID, ClusterInvitation]:
    """Structure → its newest invitation of the last ninety days."""
    query = select(ClusterInvitation).where(ClusterInvitation.organisation_id.in_(organisation_ids), ClusterInvitation.invited_at > now() - PEACE)
    return {one.organisation_id: one for one in db.session.scalars(query.order_by(ClusterInvitation.invited_at, ClusterInvitation.id))}


def invitation(invitation_id: UUID) -> ClusterInvitation | None:
    query = select(ClusterInvitation).where(ClusterInvitation.id == invitation_id)
    return db.session.scalars(query.options(joinedload(ClusterInvitation.territory), joinedload(ClusterInvitation.organisation))).one_or_none()


def token(invitation: ClusterInvitation, secret: str) -> str:
    """What the link in the mail carries. It has no date: the database decides until when it is good."""
    return signed_links.sign(str(invitation.id), secret, salt=SALT)


def find_by_token(token: str, keys: tuple[str, ...]) -> ClusterInvitation | None:
    """The invitation of a link, with the others of its group, or nothing when we did not sign it. Raises NotAllowedNow when it is over."""
    signed = signed_links.read(token, keys, salt=SALT)
    if signed is None:
        return None
    query = select(ClusterInvitation).where(ClusterInvitation.id == UUID(signed))
    members = joinedload(ClusterInvitation.cluster).selectinload(Cluster.members).joinedload(ClusterMember.organisation).joinedload(Organisation.commune)
    people = (joinedload(ClusterInvitation.organisation), joinedload(ClusterInvitation.invited_by), selectinload(ClusterInvitation.territory))
    found = db.session.scalars(query.options(members, *people)).one_or_none()
    if found is not None and found.is_over:
        raise NotAllowedNow("over")
    return found


def answer(invitation: ClusterInvitation, answer: ClusterAnswer, *, channel: Channel) -> bool:
    """What the structure says, by its link, or to the animator who notes it. True when it is new; the last word counts."""
    # Two clicks at once: the second waits here, then sees what the first one wrote.
    db.session.refresh(invitation, ClusterInvitation.__table__.columns.keys(), with_for_update=True)
    if invitation.answer is answer:
        return False
    invitation.answer, invitation.answered_at, invitation.channel = answer, now(), channel
    db.session.flush()
    return True


def why_not(organisations: Sequence[Organisation], *, today: date) -> dict[UUID, Obstacle]:
    """Structure → what keeps an invitation from leaving; those that can be written to are absent."""
    return {one.id: reason for one, reason in mails.preview(organisations, "cluster_invitation", today=today).withheld}
