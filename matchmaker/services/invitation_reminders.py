"""Asking once more whoever has not answered an invitation: once, by a mail, while there is time to answer."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import selectinload

from matchmaker.extensions import db
from matchmaker.models import Invitation, JobDating, JobDatingStatus
from matchmaker.models.base import now
from matchmaker.services import invitation_mails, invitations, outbox

BEFORE = timedelta(days=4)
"""Before the time to answer is over."""
PATIENCE = timedelta(days=3)
"""After the invitation: nobody is reminded of what came yesterday."""


def due() -> list[Invitation]:
    """The invitations to remind of now, oldest first; whoever takes them up holds them."""
    at = now()
    query = (
        invitations.full()
        .where(JobDating.status == JobDatingStatus.PUBLISHED, Invitation.answer.is_(None), Invitation.reminded_at.is_(None))
        .where(Invitation.withdrawn_at.is_(None), Invitation.answer_by > at, Invitation.answer_by <= at + BEFORE, Invitation.created_at <= at - PATIENCE)
        .options(selectinload(Invitation.notices))
        .order_by(Invitation.id)
    )
    return list(db.session.scalars(query.with_for_update(of=Invitation, skip_locked=True)))


def remind(*, settings: outbox.MailSettings) -> int:
    """Queue a reminder to each that is due. Run twice it asks nobody twice: the row says when it was asked."""
    silent = due()
    for invitation in silent:
        invitation.reminded_at = now()
        outbox.queue(
            "invitation_reminder",
            uid=f"reminder-{invitation.id}",
            recipient=invitation.email,
            organisation_id=invitation.organisation_id,
            reply_to=invitation_mails.contact_email(invitation.job_dating.venue.territory),
            settings=replace(settings, sender=invitation.organizer or settings.sender),
            useless_after=invitation.answer_by,
            invitation=invitation,
            link=f"{settings.public_url}/invitations/{invitations.token(invitation, settings.secret)}",
        )
    db.session.flush()
    return len(silent)
