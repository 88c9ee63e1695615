"""Open searches of suppliers: what a buyer tells to all at the same time, questions that everybody reads, one last day."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from matchmaker.extensions import db
from matchmaker.models import (
    AnswerState,
    Frame,
    GroupAnswer,
    GroupMember,
    MemberState,
    Need,
    Organisation,
    SearchQuestion,
    Status,
    SupplierSearch,
)
from matchmaker.models.base import now
from matchmaker.models.purchasing import BOUGHT
from matchmaker.services import outbox
from matchmaker.services.errors import DomainError, NotAllowedNow

# A structure's questions that wait for an answer in one search.
MOST_QUESTIONS = 5
# The same words again within this time are a second click.
SECOND_CLICK = timedelta(minutes=10)


class TooManyQuestions(DomainError):
    """This structure waits for as many answers as one may here."""


class NotLater(DomainError):
    """The last day can only be put off: who counted on it must not lose it."""


def can_open(need: Need) -> bool:
    """A published need of something that one buys; never one in confidence."""
    return need.status is Status.PUBLISHED and need.category in BOUGHT and not need.is_confidential


def open_search(need: Need, *, frame: Frame, closes_at: datetime) -> SupplierSearch:
    """Open a published need to all; one that was stopped or is over opens again, with its questions. Raises NotAllowedNow."""
    db.session.refresh(need, with_for_update={"of": Need})
    if not can_open(need) or closes_at <= now():
        raise NotAllowedNow(need.status)
    search = search_of(need)
    if search is None:
        search = SupplierSearch(need=need, frame=frame, closes_at=closes_at)
        db.session.add(search)
    elif search.is_open:
        raise NotAllowedNow("open")
    else:
        search.frame, search.closes_at, search.stopped_at, search.moved_at, search.moved_from = frame, closes_at, None, None, None
    db.session.flush()
    return search


def put_off(search: SupplierSearch, closes_at: datetime, *, settings: outbox.MailSettings) -> None:
    """A later last day, for all. Raises NotLater, NotAllowedNow."""
    lock(search)
    if closes_at <= search.closes_at:
        raise NotLater(closes_at.isoformat())
    search.moved_at, search.moved_from, search.closes_at = now(), search.closes_at, closes_at
    db.session.flush()
    tell_all(search, "moved", key=f"moved-{closes_at:%Y%m%dT%H%M}", settings=settings)


def stop(search: SupplierSearch, *, settings: outbox.MailSettings) -> None:
    """End it before its time; who took part is told. Raises NotAllowedNow when it is over."""
    lock(search)
    search.stopped_at = now()
    db.session.flush()
    tell_all(search, "stopped", key=f"stopped-{search.stopped_at:%Y%m%dT%H%M%S}", settings=settings)


def lock(search: SupplierSearch) -> None:
    """Hold an open search until the end of the transaction, as it is now. Raises NotAllowedNow when it is over."""
    db.session.refresh(search, with_for_update={"of": SupplierSearch})
    db.session.refresh(search.need)
    if search.why_closed is not None:
        raise NotAllowedNow(search.why_closed)


def ask(search: SupplierSearch, question: str, *, by: Organisation, settings: outbox.MailSettings) -> SearchQuestion | None:
    """Ask the buyer before everybody; nothing when it was just asked in the same words. Raises NotAllowedNow, TooManyQuestions."""
    lock(search)
    if by.id == search.need.organisation_id:
        raise NotAllowedNow("own")
    own = [one for one in search.questions if one.organisation_id == by.id]
    if any(one.question == question.strip() and one.asked_at > now() - SECOND_CLICK for one in own):
        return None
    if sum(not one.answer for one in own) >= MOST_QUESTIONS:
        raise TooManyQuestions(MOST_QUESTIONS)
    asked = SearchQuestion(search=search, organisation=by, question=question.strip())
    db.session.add(asked)
    db.session.flush()
    buyer = search.need.organisation
    if buyer.can_be_written_to():
        outbox.queue("search_question", uid=f"search-question-{asked.id}", recipient=buyer.email, organisation_id=buyer.id, settings=settings, question=asked)
    return asked


def reply(question: SearchQuestion, answer: str, *, settings: outbox.MailSettings) -> None:
    """What the buyer says, to all at once: on the page, and by mail to who took part. It can be corrected. Raises NotAllowedNow."""
    lock(question.search)
    question.answer, question.answered_at = answer.strip(), now()
    db.session.flush()
    tell_all(question.search, "answered", key=f"answered-{question.id}-{question.answered_at:%Y%m%dT%H%M%S}", settings=settings, question=question)


def tell_all(search: SupplierSearch, news: str, *, key: str, settings: outbox.MailSettings, question: SearchQuestion | None = None) -> None:
    """The same mail to everybody who asked something or composes an answer."""
    for organisation in concerned(search):
        if organisation.can_be_written_to():
            outbox.queue(
                "search_news",
                uid=f"search-{key}-{search.id}-{organisation.id}",
                recipient=organisation.email,
                organisation_id=organisation.id,
                settings=settings,
                organisation=organisation,
                search=search,
                question=question,
                news=news,
            )


def concerned(search: SupplierSearch) -> list[Organisation]:
    """Who asked a question, or is in an answer that was not taken back."""
    asking = select(SearchQuestion.organisation_id).where(SearchQuestion.search_id == search.id)
    composing = select(GroupMember.organisation_id).join(GroupMember.group).where(GroupAnswer.search_id == search.id)
    composing = composing.where(GroupAnswer.state != AnswerState.WITHDRAWN, GroupMember.state.in_((MemberState.INVITED, MemberState.ACCEPTED)))
    query = select(Organisation).where(Organisation.id.in_(asking.union(composing)), Organisation.id != search.need.organisation_id)
    return list(db.session.scalars(query.order_by(Organisation.name, Organisation.id)))


def is_shown() -> ColumnElement[bool]:
    """Of a search whose need was joined: never a draft, never in confidence."""
    return Need.is_confidential.is_(False) & (Need.status != Status.DRAFT)


def is_live() -> tuple[ColumnElement[bool], ...]:
    """Takes questions and answers now: as SupplierSearch.is_open says of a row, for queries that joined the need."""
    return Need.status == Status.PUBLISHED, is_shown(), SupplierSearch.stopped_at.is_(None), SupplierSearch.closes_at > now()


def with_need() -> tuple[ORMOption, ...]:
    need = joinedload(SupplierSearch.need)
    return need.joinedload(Need.organisation).joinedload(Organisation.commune), need.joinedload(Need.commune)


def search(search_id: UUID) -> SupplierSearch | None:
    """A search with what its page shows to anybody, open or over."""
    query = select(SupplierSearch).join(SupplierSearch.need).where(SupplierSearch.id == search_id, is_shown())
    return db.session.scalars(query.options(*with_need(), selectinload(SupplierSearch.questions))).one_or_none()


def search_of(need: Need) -> SupplierSearch | None:
    return db.session.scalars(select(SupplierSearch).where(SupplierSearch.need_id == need.id)).one_or_none()


def open_searches() -> list[SupplierSearch]:
    """All that take answers now, the one that ends first before the others."""
    query = select(SupplierSearch).join(SupplierSearch.need).where(*is_live())
    return list(db.session.scalars(query.options(*with_need()).order_by(SupplierSearch.closes_at, SupplierSearch.id)))


def searches_by(buyer: Organisation) -> list[SupplierSearch]:
    """What a structure opened, the newest first."""
    query = select(SupplierSearch).join(SupplierSearch.need).where(Need.organisation_id == buyer.id, is_shown())
    return list(db.session.scalars(query.options(*with_need()).order_by(SupplierSearch.created_at.desc(), SupplierSearch.id)))


def question(question_id: UUID) -> SearchQuestion | None:
    """A question with its search and need."""
    found = joinedload(SearchQuestion.search).joinedload(SupplierSearch.need).joinedload(Need.organisation)
    return db.session.scalars(select(SearchQuestion).where(SearchQuestion.id == question_id).options(found)).one_or_none()


def handed_in(search: SupplierSearch) -> list[GroupAnswer]:
    """The answers that the buyer may read, in the order in which they were handed in."""
    members = selectinload(GroupAnswer.members).joinedload(GroupMember.organisation).joinedload(Organisation.commune)
    query = select(GroupAnswer).where(GroupAnswer.search_id == search.id, GroupAnswer.state == AnswerState.HANDED_IN)
    return list(db.session.scalars(query.options(members, joinedload(GroupAnswer.lead)).order_by(GroupAnswer.handed_in_at, GroupAnswer.id)))


def answers_counted(searches: list[SupplierSearch]) -> dict[UUID, int]:
    """Search id → how many answers were handed in."""
    query = select(GroupAnswer.search_id, func.count()).where(GroupAnswer.search_id.in_([one.id for one in searches]))
    return dict(db.session.execute(query.where(GroupAnswer.state == AnswerState.HANDED_IN).group_by(GroupAnswer.search_id)).all())
