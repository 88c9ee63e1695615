"""Answering an open search alone or together: a lead composes, each member says yes to the same terms, then it is handed in as one."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from matchmaker.extensions import db
from matchmaker.models import AnswerState, GroupAnswer, GroupMember, Liability, MemberState, Organisation, SupplierSearch
from matchmaker.models.base import now
from matchmaker.services import outbox
from matchmaker.services.errors import ChangedMeanwhile, DomainError, NotAllowedNow
from matchmaker.services.purchasing_groups_mails import invite_mail, tell_buyer, tell_members
from matchmaker.services.purchasing_groups_reading import led_by

MOST_MEMBERS = 8
MOST_INVITATIONS_A_DAY = 20


class TooManyMembers(DomainError):
    """The group is as large as it may be, or its lead invited as many as one may in a day."""


class NotReady(DomainError):
    """Something is missing before it can be handed in. ``why``: « summary », « contact », « parts », « waiting » or « shares »."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def begin(search: SupplierSearch, organisation: Organisation) -> GroupAnswer:
    """The answer that this structure leads, made if there is none. Raises NotAllowedNow when the search is over, or its own."""
    db.session.refresh(search, with_for_update={"of": SupplierSearch})
    known = led_by(organisation, search)
    if known is not None:
        return known
    if search.why_closed is not None or search.need.organisation_id == organisation.id:
        raise NotAllowedNow(search.why_closed or "own")
    group = GroupAnswer(search=search, lead=organisation)
    group.members = [GroupMember(organisation=organisation, share=100, state=MemberState.ACCEPTED, answered_at=now())]
    db.session.add(group)
    db.session.flush()
    return group


def lock(group: GroupAnswer, *states: AnswerState, is_open: bool = True) -> None:
    """The answer and its members as they are now. Raises NotAllowedNow when it is in another state; with ``is_open`` when the search is over."""
    db.session.refresh(group.search, with_for_update={"of": SupplierSearch})
    db.session.refresh(group.search.need)
    db.session.refresh(group, with_for_update={"of": GroupAnswer})
    for member in group.members:
        db.session.refresh(member)
    if is_open and group.search.why_closed is not None:
        raise NotAllowedNow(group.search.why_closed)
    if group.state not in states:
        raise NotAllowedNow(group.state)


def invite(group: GroupAnswer, organisation: Organisation, *, part: str, share: int, settings: outbox.MailSettings) -> GroupMember:
    """Ask a structure to take a part; its share comes off the lead's. Who said yes already is asked again: the group is another one.

    Raises NotAllowedNow (« member », « declined », « own », or the search is over), TooManyMembers.
    """
    lock(group, AnswerState.COMPOSED)
    member = next((one for one in group.members if one.organisation_id == organisation.id), None)
    if organisation.id == group.search.need.organisation_id:
        raise NotAllowedNow("own")
    if member is not None and member.state is not MemberState.REMOVED:
        raise NotAllowedNow("declined" if member.state is MemberState.DECLINED else "member")
    if len(group.present) >= MOST_MEMBERS or invited_lately(group.lead_id) >= MOST_INVITATIONS_A_DAY:
        raise TooManyMembers(MOST_MEMBERS)
    lead = lead_of(group)
    lead.share = max(0, lead.share - share)
    if member is None:
        member = GroupMember(organisation=organisation)
        group.members.append(member)
    member.part, member.share, member.comment = part.strip(), share, ""
    member.state, member.answered_at, member.invited_at = MemberState.INVITED, None, now()
    db.session.flush()
    change_terms(group, settings=settings, but={member.id})
    invite_mail(member, is_again=False, settings=settings)
    return member


def invited_lately(lead_id: UUID) -> int:
    """How many structures this lead asked in the last day, in all its answers."""
    query = select(func.count()).select_from(GroupMember).join(GroupMember.group).where(GroupAnswer.lead_id == lead_id)
    return db.session.scalar(query.where(GroupMember.organisation_id != lead_id, GroupMember.invited_at > now() - timedelta(days=1))) or 0


def lead_of(group: GroupAnswer) -> GroupMember:
    return next(one for one in group.members if one.organisation_id == group.lead_id)


def set_terms(
    group: GroupAnswer,
    *,
    summary: str,
    contact: str,
    liability: Liability,
    parts: Mapping[UUID, tuple[str, int]],
    settings: outbox.MailSettings,
) -> bool:
    """What is proposed, who does what for which share, and how far each is bound. True when members must say yes again. Raises NotAllowedNow."""
    lock(group, AnswerState.COMPOSED)
    before = (group.summary, group.contact, group.liability, [(one.part, one.share) for one in group.members])
    group.summary, group.contact, group.liability = summary.strip(), contact.strip(), liability
    for member in group.present:
        if member.id in parts:
            member.part, member.share = parts[member.id][0].strip(), parts[member.id][1]
    db.session.flush()
    if before == (group.summary, group.contact, group.liability, [(one.part, one.share) for one in group.members]):
        return False
    return change_terms(group, settings=settings)


def change_terms(group: GroupAnswer, *, settings: outbox.MailSettings, but: set[UUID] | None = None) -> bool:
    """A yes was to other terms: who gave one is asked again. True when somebody was."""
    group.terms += 1
    again = [one for one in group.present if one.state is MemberState.ACCEPTED and one.organisation_id != group.lead_id and one.id not in (but or set())]
    for member in again:
        member.state, member.answered_at = MemberState.INVITED, None
    db.session.flush()
    for member in again:
        invite_mail(member, is_again=True, settings=settings)
    return bool(again)


def accept(member: GroupMember, *, terms: int, comment: str = "", settings: outbox.MailSettings) -> None:
    """Yes to the terms that were read. Raises ChangedMeanwhile when they are others now, NotAllowedNow. Said twice, it is said once."""
    lock(member.group, AnswerState.COMPOSED)
    if not member.is_present:
        raise NotAllowedNow(member.state)
    if member.group.terms != terms:
        raise ChangedMeanwhile(str(terms))
    if member.state is not MemberState.ACCEPTED:
        say(member, MemberState.ACCEPTED, comment)
        tell_members(member.group, "accepted", about=member, only=member.group.lead, settings=settings)


def say(member: GroupMember, state: MemberState, comment: str) -> None:
    member.state, member.answered_at, member.comment = state, now(), comment.strip()
    db.session.flush()


def decline(member: GroupMember, *, comment: str = "", settings: outbox.MailSettings) -> None:
    """No, or a yes that is taken back, whenever it is. An answer that was handed in is the group's to mend while the search is open, and falls
    afterwards; the buyer is told. Raises NotAllowedNow for the lead, who takes the whole answer back."""
    group = member.group
    lock(group, AnswerState.COMPOSED, AnswerState.HANDED_IN, is_open=False)
    if member.organisation_id == group.lead_id or member.state is MemberState.REMOVED:
        raise NotAllowedNow("lead")
    if member.state is MemberState.DECLINED:
        return
    was_in = member.state is MemberState.ACCEPTED
    say(member, MemberState.DECLINED, comment)
    give_back(member)
    if group.state is AnswerState.HANDED_IN:
        group.state = AnswerState.COMPOSED if group.search.is_open else AnswerState.WITHDRAWN
        group.withdrawn_at = None if group.search.is_open else now()
        db.session.flush()
        tell_buyer(group, "reopened" if group.search.is_open else "withdrawn", settings=settings)
    tell_members(group, "left" if was_in else "declined", about=member, settings=settings, only=None if was_in else group.lead)
    if group.state is AnswerState.COMPOSED:
        change_terms(group, settings=settings)


def give_back(member: GroupMember) -> None:
    """The share of who goes is the lead's again."""
    lead = lead_of(member.group)
    lead.share = min(100, lead.share + member.share)
    db.session.flush()


def come_back(member: GroupMember, *, settings: outbox.MailSettings) -> None:
    """Who said no wants to read the terms again: it is as when it was invited, and the others are asked again. Raises NotAllowedNow."""
    lock(member.group, AnswerState.COMPOSED)
    if member.state is not MemberState.DECLINED:
        raise NotAllowedNow(member.state)
    lead = lead_of(member.group)
    lead.share = max(0, lead.share - member.share)
    member.state, member.answered_at = MemberState.INVITED, None
    db.session.flush()
    change_terms(member.group, settings=settings)


def take_off(member: GroupMember, *, settings: outbox.MailSettings) -> None:
    """The lead goes on without this structure, whose share comes back to the lead. Raises NotAllowedNow."""
    group = member.group
    lock(group, AnswerState.COMPOSED)
    if member.organisation_id == group.lead_id or not member.is_present:
        raise NotAllowedNow(member.state)
    member.state, member.answered_at = MemberState.REMOVED, now()
    give_back(member)
    tell_members(group, "removed", about=member, only=member.organisation, settings=settings)
    change_terms(group, settings=settings)


def pass_lead(member: GroupMember, *, settings: outbox.MailSettings) -> None:
    """A member that said yes speaks for all from now on; the others are asked again. Raises NotAllowedNow."""
    group = member.group
    lock(group, AnswerState.COMPOSED)
    if member.state is not MemberState.ACCEPTED or member.organisation_id == group.lead_id:
        raise NotAllowedNow(member.state)
    before = lead_of(group)
    try:
        with db.session.begin_nested():
            group.lead = member.organisation
            db.session.flush()
    except IntegrityError as error:
        db.session.refresh(group)
        raise NotAllowedNow("leads another") from error
    tell_members(group, "lead", about=member, settings=settings, only=member.organisation)
    change_terms(group, settings=settings, but={before.id})


def check_ready(group: GroupAnswer) -> None:
    """Raises NotReady with the first thing that is missing."""
    missing = {
        "summary": not group.summary,
        "contact": not group.contact,
        "waiting": any(one.state is MemberState.INVITED for one in group.present),
        "parts": group.is_together and any(not one.part or not one.share for one in group.present),
        "shares": group.total != 100,
    }
    for why, is_missing in missing.items():
        if is_missing:
            raise NotReady(why)


def hand_in(group: GroupAnswer, *, settings: outbox.MailSettings) -> None:
    """Give the answer to the buyer, as one: all said yes, the shares make a whole, the search is open. Raises NotReady, NotAllowedNow."""
    lock(group, AnswerState.COMPOSED)
    check_ready(group)
    group.state, group.handed_in_at = AnswerState.HANDED_IN, now()
    db.session.flush()
    tell_buyer(group, "handed_in", settings=settings)
    tell_members(group, "handed_in", about=lead_of(group), settings=settings)


def reopen(group: GroupAnswer, *, settings: outbox.MailSettings) -> None:
    """Take it back to change it while there is time: the buyer sees it no longer. Raises NotAllowedNow."""
    lock(group, AnswerState.HANDED_IN)
    group.state = AnswerState.COMPOSED
    db.session.flush()
    tell_buyer(group, "reopened", settings=settings)
    tell_members(group, "reopened", about=lead_of(group), settings=settings)


def withdraw(group: GroupAnswer, *, settings: outbox.MailSettings) -> None:
    """Take it back for good, whenever it is. Raises NotAllowedNow when it was already."""
    lock(group, AnswerState.COMPOSED, AnswerState.HANDED_IN, is_open=False)
    was_handed_in = group.state is AnswerState.HANDED_IN
    group.state, group.withdrawn_at = AnswerState.WITHDRAWN, now()
    db.session.flush()
    if was_handed_in:
        tell_buyer(group, "withdrawn", settings=settings)
    tell_members(group, "withdrawn", about=lead_of(group), settings=settings)
