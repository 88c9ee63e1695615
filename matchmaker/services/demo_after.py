"""What came after two yes in the demonstration: a conversation, a call for help, what the first cooperations led to."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import cycle

from matchmaker.extensions import db
from matchmaker.models import Channel, DaysBand, EuroBand, FoundAnyway, FteBand, Match, MatchingRun, Message, Outcome, Result, Side
from matchmaker.models.base import now
from matchmaker.services import conversations, outbox, outcomes
from matchmaker.services.demo_cast import moment
from matchmaker.services.outcomes import Reply

# What the two structures of the demonstration's members wrote to each other: side, days ago, hour, words.
TALK = (
    (Side.NEED, 2, 9, "Bonjour, trente mètres nous suffisent. Peut-on venir voir les rayonnages avant de louer une remorque ?"),
    (Side.OFFER, 2, 14, "Bonjour, bien sûr. Le dépôt est ouvert de 8 h à 17 h. Jeudi matin vous irait ?"),
    (Side.NEED, 1, 10, "Jeudi à 9 h, c’est parfait. Nous serons deux, avec un mètre. À jeudi !"),
)
CALL = (Side.OFFER, 1, 16, "Bonjour, nous pouvons passer voir les abords, mais nous ne savons pas bien comment rédiger un devis pour une entreprise.")
SIGNED = Reply(Result.SIGNED, fte=FteBand.UP_TO_HALF, euros=EuroBand.UP_TO_20K, found_anyway=FoundAnyway.NO)
AGREED = Reply(Result.AGREED, days=DaysBand.UP_TO_TWENTY, euros=EuroBand.UP_TO_5K, found_anyway=FoundAnyway.MAYBE)
MET, NOTHING = Reply(Result.MET), Reply(Result.NOTHING)
# What the need's side and the offer's say, in turn; None is silence. The first question stays open, and its mail leaves with those of today.
TOLD = ((None, SIGNED), (SIGNED, SIGNED), (MET, MET), (AGREED, AGREED), (NOTHING, NOTHING), (SIGNED, None), (MET, None), (SIGNED, NOTHING), (AGREED, MET))


def talk(match: Match, *, today: date, settings: outbox.MailSettings) -> None:
    """Two sides agree on a visit."""
    for side, days_ago, hour, text in TALK:
        write(match, side, text, today=today, days_ago=days_ago, hour=hour, settings=settings)


def call_for_help(match: Match, *, today: date, settings: outbox.MailSettings) -> None:
    """One side asks the other something, then calls the animator."""
    side, days_ago, hour, text = CALL
    write(match, side, text, today=today, days_ago=days_ago, hour=hour, settings=settings)
    asked = conversations.call_for_help(next(one for one in match.proposals if one.side is side), settings=settings)
    asked.asked_at = moment(today, days_ago, hour + 1)


def write(match: Match, side: Side, text: str, *, today: date, days_ago: int, hour: int, settings: outbox.MailSettings) -> None:
    author = next(one for one in match.proposals if one.side is side)
    words = text.replace(" ?", "\u00a0?").replace(" !", "\u00a0!").replace(" h", "\u00a0h")
    message: Message | None = conversations.say(author, words, author=None, channel=Channel.LINK, settings=settings)
    if message is not None:
        message.sent_at = moment(today, days_ago, hour)


def tell_outcomes(run: MatchingRun, *, settings: outbox.MailSettings) -> str:
    """Both sides of the run's cooperations were asked 30 days later. Returns the address of the one whose question is still on its way."""
    outcomes.ask_due(at=now(), settings=settings)
    for match, told in zip(mutual_of(run), cycle(TOLD), strict=False):
        for proposal, reply in zip(sorted(match.proposals, key=lambda one: one.side), told, strict=True):
            question = outcomes.question(proposal)
            if question is not None and match.confirmed_at is not None:
                question.asked_at = match.confirmed_at + timedelta(days=question.wave)
                tell(question, reply)
    db.session.flush()
    return mutual_of(run)[0].need.organisation.email


def tell(question: Outcome, reply: Reply | None) -> None:
    """An answer as it was given then: the service would write it down as of now."""
    if reply is not None:
        outcomes.answer(question, reply, channel=Channel.LINK)
        question.answered_at = min(question.asked_at + timedelta(hours=20), now())
        for said in question.history:
            said.created_at = question.answered_at


def mutual_of(run: MatchingRun) -> Sequence[Match]:
    return sorted((match for match in run.matches if match.is_mutual), key=lambda match: (match.need_id, match.offer_id))
