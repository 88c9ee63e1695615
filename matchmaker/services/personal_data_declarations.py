"""Taking one person, or a structure that closes, out of announcements and of what came of them. The caller commits."""

from sqlalchemy import ColumnElement, delete, or_, select, update

from matchmaker.extensions import db
from matchmaker.models import DeclarationDraft, Match, Message, Need, Offer, Pool, PoolShare, Proposal, WorkAct
from matchmaker.services.personal_data_scrubbing import scrub
from matchmaker.services.personal_data_subject import Erased

NO_LONGER = "Message effacé avec le compte de qui l’a écrit."


def scrub_needs(erased: Erased) -> None:
    scrub([Need.title, Need.description, Need.skills, Need.details], erased.words, where=Need.organisation_id == erased.organisation_id)


def scrub_offers(erased: Erased) -> None:
    scrub([Offer.title, Offer.description, Offer.skills, Offer.details], erased.words, where=Offer.organisation_id == erased.organisation_id)


def erase_drafts(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(delete(DeclarationDraft).where(DeclarationDraft.organisation_id == erased.organisation_id))
    scrub([DeclarationDraft.answers], erased.words, where=DeclarationDraft.organisation_id == erased.organisation_id)


def scrub_comments(erased: Erased) -> None:
    """One's own reasons go with the structure; in those of partners the names go."""
    if erased.is_with_structure:
        db.session.execute(update(Proposal).where(Proposal.organisation_id == erased.organisation_id).values(decline_comment=""))
    scrub([Proposal.decline_comment], erased.words, where=Proposal.match_id.in_(erased.matches))


def erase_messages(erased: Erased) -> None:
    """What the person wrote goes; what others wrote to them keeps its words without the names."""
    theirs: ColumnElement[bool] = Message.author_id == erased.user_id
    if erased.is_with_structure:
        ours = select(Proposal.match_id).where(Proposal.organisation_id == erased.organisation_id, Proposal.side == Message.side)
        theirs = or_(theirs, Message.match_id.in_(ours.correlate(Message)))
    db.session.execute(update(Message).where(theirs).values(text=NO_LONGER).execution_options(synchronize_session=False))
    scrub([Message.text], erased.words, where=Message.match_id.in_(erased.matches))


def erase_notes(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(update(WorkAct).where(WorkAct.organisation_id == erased.organisation_id).values(note=""))
    scrub([WorkAct.note], erased.words, where=or_(WorkAct.organisation_id == erased.organisation_id, WorkAct.by_id == erased.user_id))


def scrub_breakdowns(erased: Erased) -> None:
    scrub([Match.breakdown], erased.words, where=Match.id.in_(erased.matches))


def scrub_pools(erased: Erased) -> None:
    needs = select(Need.id).where(Need.organisation_id == erased.organisation_id)
    scrub([Pool.occupation], erased.words, where=Pool.id.in_(select(PoolShare.pool_id).where(PoolShare.need_id.in_(needs))))
