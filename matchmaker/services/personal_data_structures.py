"""What becomes of a structure when its last account is erased, or one of several. The caller commits."""

from sqlalchemy import or_, select, update

from matchmaker.extensions import db
from matchmaker.models import (
    CheckInLink,
    Invitation,
    JobDating,
    JobDatingStatus,
    Match,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    Participant,
    ParticipantState,
    PoolStatus,
    PoolWelcome,
    Proposal,
    ShareStatus,
    Status,
    User,
    Venue,
    WelcomeStatus,
)
from matchmaker.models.base import now
from matchmaker.services import job_dating_guests, job_datings, outbox, pools, proposal_ends
from matchmaker.services.personal_data_purchasing import leave_purchasing

NAME, TITLE = "Structure effacée", "Annonce effacée"
PLACE = "Lieu fermé"


def hand_over(organisation: Organisation, leaving: User, colleague: User) -> None:
    """A structure that was written to at the address of who leaves is written to at a colleague's."""
    if organisation.email.lower() == leaving.email:
        organisation.email = colleague.email
        ours = (Invitation.organisation_id == organisation.id, Invitation.email == leaving.email)
        db.session.execute(update(Invitation).where(*ours).values(email=colleague.email))


def end_what_it_began(organisation: Organisation, *, settings: outbox.MailSettings) -> None:
    """Announcements, questions, groups and job datings of a structure that has no name any more; the others are told."""
    leave_purchasing(organisation, settings=settings)
    for declaration in declarations_of(organisation):
        proposal_ends.end_of_declaration(declaration, settings=settings)
        declaration.status = Status.CLOSED
    part_from_partners(organisation)
    leave_pools(organisation, settings=settings)
    leave_job_datings(organisation, settings=settings)
    close_venues(organisation, settings=settings)
    # Links that mails carried open nothing any more.
    db.session.execute(update(Proposal).where(Proposal.organisation_id == organisation.id).values(token_version=Proposal.token_version + 1))
    db.session.execute(update(Invitation).where(Invitation.organisation_id == organisation.id).values(token_version=Invitation.token_version + 1))
    db.session.expire_all()


def forget_names(organisation: Organisation) -> None:
    """Without a name from now on, so that what is written to others names it no more."""
    organisation.name, organisation.siret, organisation.rna = NAME, None, None
    organisation.description = organisation.address = organisation.phone = organisation.website = organisation.email = ""
    organisation.latitude = organisation.longitude = organisation.inclusion_kind = None
    organisation.source, organisation.erased_at = "effacée", now()
    for declaration in declarations_of(organisation):
        declaration.title, declaration.description, declaration.skills, declaration.details = TITLE, "", [], {}
    for venue in organisation.venues:
        venue.name = PLACE
        venue.address = venue.access_text = venue.transport_text = venue.description = ""
        venue.photos.clear()
        venue.calendar_version += 1


def declarations_of(organisation: Organisation) -> list[Need | Offer]:
    needs = db.session.scalars(select(Need).where(Need.organisation_id == organisation.id).order_by(Need.id))
    offers = db.session.scalars(select(Offer).where(Offer.organisation_id == organisation.id).order_by(Offer.id))
    return [*needs, *offers]


def part_from_partners(organisation: Organisation) -> None:
    """Two yes with a structure that is gone lead nowhere: the other side's place is free again."""
    needs, offers = (select(model.id).where(model.organisation_id == organisation.id) for model in (Need, Offer))
    ours = (or_(Match.need_id.in_(needs), Match.offer_id.in_(offers)), Match.status == MatchStatus.CONFIRMED)
    db.session.execute(update(Match).where(*ours).values(status=MatchStatus.ENDED))


def leave_pools(organisation: Organisation, *, settings: outbox.MailSettings) -> None:
    """Leave groups that are being asked; a group that had agreed cannot stand without a member, and is dissolved."""
    for share in pools.shares_of(organisation):
        if share.pool.status is PoolStatus.PROPOSED and share.status in (ShareStatus.PENDING, ShareStatus.INTERESTED):
            pools.decline(share)
        elif share.pool.status is PoolStatus.AGREED:
            pools.dissolve(share.pool, settings=settings)
    ours = (PoolWelcome.organisation_id == organisation.id, PoolWelcome.status == WelcomeStatus.PENDING)
    db.session.execute(update(PoolWelcome).where(*ours).values(status=WelcomeStatus.DECLINED, answered_at=now()))


def leave_job_datings(organisation: Organisation, *, settings: outbox.MailSettings) -> None:
    """Come to no job dating that is still ahead. Those of the house mend their plan and tell who meets somebody else."""
    query = select(Participant).join(Participant.job_dating).where(Participant.organisation_id == organisation.id, JobDating.starts_at > now())
    for participant in db.session.scalars(query.where(JobDating.status != JobDatingStatus.CANCELLED).order_by(Participant.id)).all():
        job_dating = participant.job_dating
        if job_dating.status is JobDatingStatus.DRAFT:
            job_dating_guests.remove(job_dating, participant)
            continue
        participant.state, participant.waiting_since = ParticipantState.DECLINED, None
        participant.said_at = now()
        db.session.flush()
        job_dating_guests.settle(job_dating, settings=settings)


def close_venues(organisation: Organisation, *, settings: outbox.MailSettings) -> None:
    """Job datings in a house that closes are called off; phones of its helpers check nobody in any more."""
    ours = select(Venue.id).where(Venue.organisation_id == organisation.id)
    ahead = select(JobDating).where(JobDating.venue_id.in_(ours), JobDating.ends_at > now(), JobDating.status != JobDatingStatus.CANCELLED)
    for job_dating in db.session.scalars(ahead.order_by(JobDating.id)).all():
        job_datings.cancel(job_dating, settings=settings)
    mine = select(JobDating.id).where(JobDating.venue_id.in_(ours))
    db.session.execute(update(CheckInLink).where(CheckInLink.job_dating_id.in_(mine), CheckInLink.ended_at.is_(None)).values(ended_at=now()))
