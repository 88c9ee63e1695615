"""Inviting members of a group to speak of a pole of cooperation: by an animator, one by one, within what each structure accepts."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Cluster, ClusterAnswer, ClusterInvitation, Obstacle, Organisation, User
from matchmaker.models.base import now
from matchmaker.services import asking_budgets, mails, outbox

# Who was invited is left in peace so long, whichever group it is found in next.
PEACE = timedelta(days=90)


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
        invitation = ClusterInvitation(territory=cluster.snapshot.territory, organisation=organisation, invited_by=by, message=message)
        db.session.add(invitation)
        db.session.flush()
        others = [member.organisation for member in cluster.members if member.organisation_id != organisation.id]
        outbox.queue(
            "cluster_invitation",
            uid=f"cluster-{invitation.id}",
            recipient=organisation.email,
            organisation_id=organisation.id,
            settings=settings,
            reply_to=by.email,
            organisation=organisation,
            cluster=cluster,
            others=others,
            message=message,
            by=by,
        )
        found.append(invitation)
    return found


def invited_lately(organisation_ids: Sequence[UUID]) -> dict[UUID, ClusterInvitation]:
    """Structure → its newest invitation of the last ninety days."""
    query = select(ClusterInvitation).where(ClusterInvitation.organisation_id.in_(organisation_ids), ClusterInvitation.invited_at > now() - PEACE)
    return {one.organisation_id: one for one in db.session.scalars(query.order_by(ClusterInvitation.invited_at, ClusterInvitation.id))}


def invitation(invitation_id: UUID) -> ClusterInvitation | None:
    query = select(ClusterInvitation).where(ClusterInvitation.id == invitation_id)
    return db.session.scalars(query.options(joinedload(ClusterInvitation.territory), joinedload(ClusterInvitation.organisation))).one_or_none()


def note(invitation: ClusterInvitation, answer: ClusterAnswer) -> None:
    """What the structure said to the animator, by mail or on the telephone; the last word counts."""
    invitation.answer, invitation.answered_at = answer, now()


def why_not(organisations: Sequence[Organisation], *, today: date) -> dict[UUID, Obstacle]:
    """Structure → what keeps an invitation from leaving; those that can be written to are absent."""
    return {one.id: reason for one, reason in mails.preview(organisations, "cluster_invitation", today=today).withheld}
