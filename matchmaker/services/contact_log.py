"""Who saw whose contact details. Rows are only added, by the POST that shows them or by the mail that carries them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import delete, select, text
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import ContactView, ContactWay, HelpRequest, Organisation, Proposal, User

# As long as the audit log: who saw what of whom is a trace of the same kind.
KEPT = timedelta(days=366)


def note_mail(proposal: Proposal) -> None:
    """A mail to this side carries the contact details of the other one."""
    db.session.add(
        ContactView(
            organisation_id=proposal.other.organisation_id, match_id=proposal.match_id, viewer_organisation_id=proposal.organisation_id, way=ContactWay.MAIL
        )
    )


def look(proposal: Proposal, viewer: User) -> None:
    """Somebody of this side opens the contact details of the other one. Once a person: they stay open then."""
    if proposal.match_id not in looked_at(viewer, [proposal.match_id]):
        db.session.add(
            ContactView(
                organisation_id=proposal.other.organisation_id,
                match_id=proposal.match_id,
                viewer_organisation_id=proposal.organisation_id,
                viewer_id=viewer.id,
                way=ContactWay.ACCOUNT,
            )
        )


def look_to_help(asked: HelpRequest, viewer: User) -> None:
    """The animator whom a side called opens the contact details of both."""
    if asked.match_id not in looked_at(viewer, [asked.match_id]):
        for side in asked.match.proposals:
            db.session.add(ContactView(organisation_id=side.organisation_id, match_id=asked.match_id, viewer_id=viewer.id, way=ContactWay.HELP))


def looked_at(viewer: User, match_ids: Collection[UUID]) -> set[UUID]:
    """Those of the matches whose contact details this person has opened."""
    query = select(ContactView.match_id).where(ContactView.viewer_id == viewer.id, ContactView.match_id.in_(match_ids))
    return set(db.session.scalars(query))


def views_of(organisation: Organisation, *, page: int = 1, per_page: int = 50) -> Pagination:
    """Who saw the contact details of this structure, the latest first."""
    query = select(ContactView).where(ContactView.organisation_id == organisation.id).options(joinedload(ContactView.viewer_organisation))
    return db.paginate(query.order_by(ContactView.viewed_at.desc(), ContactView.id), page=min(max(page, 1), 100_000), per_page=per_page, error_out=False)


def forget(*, at: datetime) -> int:
    """Remove the rows that are kept no longer; returns how many."""
    db.session.execute(text("SET LOCAL croisee.erasing = 'on'"))
    gone = db.session.scalars(delete(ContactView).where(ContactView.viewed_at < at - KEPT).returning(ContactView.id)).all()
    db.session.execute(text("SET LOCAL croisee.erasing = 'off'"))
    return len(gone)
