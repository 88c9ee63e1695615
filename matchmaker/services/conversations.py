"""Two sides that said yes write to each other; each message is mailed. An animator reads only where a side called for help."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from matchmaker.extensions import db
from matchmaker.models import Channel, HelpRequest, Match, Message, Need, Offer, Proposal, Side, User
from matchmaker.models.base import now
from matchmaker.services import conversation_links, invitation_mails, outbox, proposal_lists
from matchmaker.services.errors import DomainError, NotAllowedNow

# The same words again within this time are a second click.
SECOND_CLICK = timedelta(minutes=10)
MOST_AN_HOUR, MOST_A_DAY = 10, 30


class TooManyMessages(DomainError):
    """This side wrote as much as one may in an hour, or in a day."""


def find_by_token(token: str, keys: tuple[str, ...]) -> Proposal | None:
    """The side whose link this is, or nothing when we did not sign it. Raises NotAllowedNow when a newer link replaced it, or before two yes."""
    signed = conversation_links.read_token(token, keys)
    if signed is None:
        return None
    proposal_id, version = signed
    proposal = db.session.scalars(select(Proposal).where(Proposal.id == proposal_id).options(*proposal_lists.both_sides())).one_or_none()
    if proposal is not None and (proposal.token_version != version or not has_begun(proposal.match)):
        raise NotAllowedNow("replaced")
    return proposal


def has_begun(match: Match) -> bool:
    """Both said yes, if only for a time: what was written stays readable."""
    return match.confirmed_at is not None


def messages(match: Match) -> Sequence[Message]:
    """All of them, the first one first."""
    query = select(Message).where(Message.match_id == match.id).options(joinedload(Message.author))
    return db.session.scalars(query.order_by(Message.sent_at, Message.id)).all()


def say(proposal: Proposal, text: str, *, author: User | None, channel: Channel, settings: outbox.MailSettings) -> Message | None:
    """Write to the other side, by mail too. Nothing when it was just said in the same words.

    Raises NotAllowedNow when the two are no longer together, TooManyMessages.
    """
    match = lock(proposal.match)
    text = text.strip()
    if is_said_already(match, proposal.side, text):
        return None
    check_pace(match, proposal.side)
    message = write(match, text, side=proposal.side, author=author, channel=channel)
    announce(message, to=proposal.other, settings=settings)
    return message


def answer_call(asked: HelpRequest, text: str, *, author: User, settings: outbox.MailSettings) -> Message | None:
    """The animator writes to both sides. Raises NotAllowedNow when the call is over."""
    match = lock(asked.match)
    db.session.refresh(asked)
    if asked.ended_at is not None:
        raise NotAllowedNow("ended")
    if is_said_already(match, None, text.strip()):
        return None
    message = write(match, text.strip(), side=None, author=author, channel=Channel.ANIMATOR)
    for proposal in match.proposals:
        announce(message, to=proposal, settings=settings)
    return message


def write(match: Match, text: str, *, side: Side | None, author: User | None, channel: Channel) -> Message:
    message = Message(match=match, side=side, author=author, channel=channel, text=text)
    db.session.add(message)
    db.session.flush()
    return message


def announce(message: Message, *, to: Proposal, settings: outbox.MailSettings) -> None:
    """The message as a mail, with the link to answer. An answer by mail goes to the structure that wrote."""
    if to.organisation.can_be_written_to():
        outbox.queue(
            "conversation",
            uid=f"message-{message.id}-{to.side}",
            recipient=to.organisation.email,
            organisation_id=to.organisation_id,
            reply_to=to.other.organisation.email if message.side is not None else "",
            settings=settings,
            message=message,
            proposal=to,
            link=conversation_links.link(to, settings),
        )


def lock(match: Match) -> Match:
    """Two clicks at once: the second waits here, then sees what the first one wrote. Raises NotAllowedNow unless both say yes."""
    db.session.refresh(match, Match.__table__.columns.keys(), with_for_update=True)
    if not match.is_mutual:
        raise NotAllowedNow(match.status)
    return match


def is_said_already(match: Match, side: Side | None, text: str) -> bool:
    query = select(Message).where(Message.match_id == match.id, Message.side == side, Message.sent_at > now() - SECOND_CLICK)
    last = db.session.scalars(query.order_by(Message.sent_at.desc(), Message.id).limit(1)).first()
    return last is not None and last.text == text


def check_pace(match: Match, side: Side) -> None:
    hour, day = (func.count().filter(Message.sent_at > now() - timedelta(hours=hours)) for hours in (1, 24))
    in_hour, in_day = db.session.execute(select(hour, day).where(Message.match_id == match.id, Message.side == side)).one()
    if in_hour >= MOST_AN_HOUR or in_day >= MOST_A_DAY:
        raise TooManyMessages(in_day)


def open_call(match: Match) -> HelpRequest | None:
    return db.session.scalars(select(HelpRequest).where(HelpRequest.match_id == match.id, HelpRequest.ended_at.is_(None))).one_or_none()


def call_for_help(proposal: Proposal, *, settings: outbox.MailSettings) -> HelpRequest:
    """Let the animator of the territory read and write. Called twice, it is one call. Raises NotAllowedNow."""
    match = lock(proposal.match)
    asked = open_call(match)
    if asked is not None:
        return asked
    asked = HelpRequest(match=match, side=proposal.side)
    db.session.add(asked)
    db.session.flush()
    territory = match.need.territory
    to = invitation_mails.contact_email(territory)
    outbox.queue("help_asked", uid=f"help-{asked.id}", recipient=to, settings=settings, asked=asked, proposal=proposal, territory=territory)
    return asked


def end_call(match: Match) -> None:
    """The animator reads no longer. Nothing when no call is open."""
    db.session.refresh(match, ["id"], with_for_update=True)
    asked = open_call(match)
    if asked is not None:
        asked.ended_at = now()
        db.session.flush()


def call(help_id: UUID) -> HelpRequest | None:
    """An open call, with its match and both sides."""
    query = select(HelpRequest).where(HelpRequest.id == help_id, HelpRequest.ended_at.is_(None))
    return db.session.scalars(query.options(*with_sides())).one_or_none()


def open_calls(territory_ids: Collection[int]) -> list[HelpRequest]:
    """Who calls for help in these territories, the oldest first, each with both sides."""
    query = select(HelpRequest).join(HelpRequest.match).join(Match.need).where(HelpRequest.ended_at.is_(None), Need.territory_id.in_(territory_ids))
    return list(db.session.scalars(query.options(*with_sides()).order_by(HelpRequest.asked_at, HelpRequest.id)))


def with_sides() -> tuple[ORMOption, ...]:
    match = joinedload(HelpRequest.match)
    return (
        match.joinedload(Match.need).joinedload(Need.organisation),
        match.joinedload(Match.offer).joinedload(Offer.organisation),
        match.selectinload(Match.proposals),
    )
