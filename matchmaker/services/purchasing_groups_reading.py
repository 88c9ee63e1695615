"""What a structure reads of its answers to open searches: one with all its page shows, all of them, and how many wait for its yes."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import AnswerState, GroupAnswer, GroupMember, MemberState, Need, Organisation, SupplierSearch
from matchmaker.services import purchasing_searches
from matchmaker.services.purchasing_searches import is_shown


def member_of(organisation: Organisation, group_id: UUID) -> GroupMember | None:
    """A structure's part in an answer, with all that the page of the answer shows; nothing for who was never asked."""
    group = joinedload(GroupMember.group)
    need = group.joinedload(GroupAnswer.search).joinedload(SupplierSearch.need)
    members = group.selectinload(GroupAnswer.members).joinedload(GroupMember.organisation).joinedload(Organisation.commune)
    query = select(GroupMember).join(GroupMember.group).join(GroupAnswer.search).join(SupplierSearch.need)
    query = query.where(GroupMember.group_id == group_id, GroupMember.organisation_id == organisation.id, is_shown())
    return db.session.scalars(query.options(need.joinedload(Need.organisation), members, group.joinedload(GroupAnswer.lead))).unique().one_or_none()


def memberships(organisation: Organisation) -> list[GroupMember]:
    """A structure's parts in answers, what awaits it first, then the newest."""
    group = joinedload(GroupMember.group)
    need = group.joinedload(GroupAnswer.search).joinedload(SupplierSearch.need)
    query = select(GroupMember).join(GroupMember.group).join(GroupAnswer.search).join(SupplierSearch.need)
    query = query.where(GroupMember.organisation_id == organisation.id, GroupMember.state != MemberState.REMOVED, is_shown())
    query = query.options(need.joinedload(Need.organisation), group.joinedload(GroupAnswer.lead), group.subqueryload(GroupAnswer.members))
    found = db.session.scalars(query.order_by(GroupMember.invited_at.desc(), GroupMember.id)).unique().all()
    return sorted(found, key=lambda one: not awaits(one))


def awaits(member: GroupMember) -> bool:
    """Is it this structure's turn to say yes or no?"""
    return member.state is MemberState.INVITED and member.group.state is AnswerState.COMPOSED and member.group.search.is_open


def awaiting(organisation: Organisation) -> int:
    """How many groups wait for this structure's yes."""
    query = select(func.count()).select_from(GroupMember).join(GroupMember.group).join(GroupAnswer.search).join(SupplierSearch.need)
    query = query.where(GroupMember.organisation_id == organisation.id, GroupMember.state == MemberState.INVITED)
    return db.session.scalar(query.where(GroupAnswer.state == AnswerState.COMPOSED, *purchasing_searches.is_live())) or 0


def led_by(organisation: Organisation, search: SupplierSearch) -> GroupAnswer | None:
    """The answer to this search that a structure leads and did not take back."""
    query = select(GroupAnswer).where(GroupAnswer.search_id == search.id, GroupAnswer.lead_id == organisation.id)
    return db.session.scalars(query.where(GroupAnswer.state != AnswerState.WITHDRAWN)).one_or_none()
