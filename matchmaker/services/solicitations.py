"""The record of what was asked of structures: one row for each question, reminder and invitation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, func, insert, literal, select, update

from matchmaker.extensions import db
from matchmaker.models import Invitation, Proposal, Solicitation, SolicitationKind
from matchmaker.models.base import now
from matchmaker.services import asking_budgets


def record(proposals: Sequence[Proposal], kind: SolicitationKind, *, day: date, loads: Mapping[UUID, float]) -> None:
    """Write down that these were put, or recalled, to their organisations on that day; their budgets are charged already."""
    rows = [
        {"organisation_id": one.organisation_id, "proposal_id": one.id, "kind": kind, "day": day, "load": loads.get(one.organisation_id, 0.0)}
        for one in proposals
    ]
    if rows:
        db.session.execute(insert(Solicitation), rows)


def of_proposals(proposals: Sequence[Proposal]) -> Any:
    ids: Any = literal([proposal.id for proposal in proposals], ARRAY(Uuid()))
    return (Solicitation.proposal_id == any_(ids)) & Solicitation.returned_at.is_(None)


def days_of(proposals: Sequence[Proposal]) -> dict[UUID, date]:
    """Proposal id → the day on which it was put."""
    query = select(Solicitation.proposal_id, Solicitation.day).where(of_proposals(proposals), Solicitation.kind == SolicitationKind.PROPOSAL)
    return {proposal_id: day for proposal_id, day in db.session.execute(query) if proposal_id is not None}


def record_invitations(invitations: Sequence[Invitation], *, day: date, loads: Mapping[UUID, float]) -> None:
    """The same for invitations to a job dating."""
    rows = [
        {"organisation_id": one.organisation_id, "invitation_id": one.id, "kind": SolicitationKind.INVITATION, "day": day, "load": loads[one.organisation_id]}
        for one in invitations
    ]
    if rows:
        db.session.execute(insert(Solicitation), rows)


def take_back(proposals: Sequence[Proposal]) -> None:
    """These questions were withdrawn with their whole sending: they do not count against what the structures accept."""
    take_back_where(of_proposals(proposals))


def take_back_where(condition: ColumnElement[bool]) -> None:
    """The solicitations for which this holds give their units back, once."""
    stands = (condition, Solicitation.returned_at.is_(None))
    query = select(Solicitation.organisation_id, Solicitation.day, func.count()).where(*stands)
    units: dict[date, Counter[UUID]] = {}
    for organisation_id, day, number in db.session.execute(query.group_by(Solicitation.organisation_id, Solicitation.day)):
        units.setdefault(day, Counter())[organisation_id] = number
    for day, of_the_day in units.items():
        asking_budgets.give_back(of_the_day, day=day)
    db.session.execute(update(Solicitation).where(*stands).values(returned_at=now()), execution_options={"synchronize_session": False})
