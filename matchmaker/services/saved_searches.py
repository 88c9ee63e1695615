"""Searches that people keep, and the mail that tells what is new in them. Services change the session; the caller commits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager

from matchmaker.extensions import db
from matchmaker.models import Category, EntryKind, Family, Need, Offer, Organisation, Rhythm, SavedSearch, Theme, Trait, User
from matchmaker.models.base import PARIS, now
from matchmaker.services import addresses, outbox, search, search_rows, signed_ids, working_days
from matchmaker.services.errors import DomainError
from matchmaker.services.outbox import MailSettings
from matchmaker.services.search import Question, Sort

SALT = "saved-search"
MOST = 20
SHOWN = 8
MOST_AT_ONCE = 200
# Less than a day and a week: a mail of Tuesday at ten is due again on the next Tuesday at eight, and not an hour later each time.
PAUSES = {Rhythm.DAILY: timedelta(hours=20), Rhythm.WEEKLY: timedelta(days=6, hours=20)}
USELESS_AFTER = timedelta(days=3)


class TooMany(DomainError):
    """Nobody keeps more than so many searches."""


def of(user: User) -> list[SavedSearch]:
    """The searches of a person, the newest first."""
    return list(db.session.scalars(select(SavedSearch).where(SavedSearch.user_id == user.id).order_by(SavedSearch.created_at.desc(), SavedSearch.id)))


def mine(user: User, search_id: UUID) -> SavedSearch | None:
    return db.session.scalars(select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.user_id == user.id)).one_or_none()


def keep(user: User, question: Question, *, label: str, address: str, rhythm: Rhythm) -> SavedSearch:
    """Keep a search; what answers now is no news. The same address kept again only changes its rhythm. Raises TooMany."""
    known = of(user)
    saved = next((one for one in known if one.address == address), None)
    if saved is None:
        if len(known) >= MOST:
            raise TooMany(user.id)
        saved = SavedSearch(user_id=user.id, label=label, address=address, asked=written(question), told_until=now())
        db.session.add(saved)
    resume(saved, rhythm)
    db.session.flush()
    return saved


def resume(saved: SavedSearch, rhythm: Rhythm) -> None:
    """Tell what is new, this often. After a stop, from now on."""
    if saved.stopped_at is not None:
        saved.stopped_at, saved.told_until, saved.looked_at = None, now(), now()
    saved.rhythm = rhythm


def stop(saved: SavedSearch) -> None:
    """No mail any more. Twice is once."""
    saved.stopped_at = saved.stopped_at or now()


def forget(saved: SavedSearch) -> None:
    db.session.delete(saved)
    db.session.flush()


def written(question: Question) -> dict[str, Any]:
    """The question as its row keeps it: codes only, in an order that does not change."""
    lists = {name: sorted(getattr(question, name)) for name in ("families", "categories", "themes", "traits")}
    plain = {name: getattr(question, name) for name in ("kind", "text", "around", "radius_km", "departement", "epci")}
    return plain | lists


def question_of(saved: SavedSearch) -> Question:
    """The question that a row keeps. A code that no longer exists asks nothing."""
    asked = saved.asked

    def members(name: str, enum: Any) -> frozenset[Any]:
        return frozenset(enum(code) for code in asked.get(name, ()) if code in set(enum))

    return Question(
        kind=EntryKind(asked["kind"]),
        text=asked["text"],
        around=asked["around"],
        radius_km=asked["radius_km"],
        departement=asked["departement"],
        epci=asked["epci"],
        families=members("families", Family),
        categories=members("categories", Category),
        themes=members("themes", Theme),
        traits=members("traits", Trait),
    )


# The mail


def stop_link(saved: SavedSearch, settings: MailSettings) -> str:
    return f"{settings.public_url}/recherches/arreter/{signed_ids.sign(saved.id, settings.secret, salt=SALT)}"


def by_token(token: str, keys: tuple[str, ...]) -> SavedSearch | None:
    """The search of the link that a mail carried; None when we did not sign it, or when it was forgotten since."""
    search_id = signed_ids.read(token, keys, salt=SALT)
    return db.session.get(SavedSearch, search_id) if search_id is not None else None


def send_due(*, at: datetime, settings: MailSettings) -> int:
    """Tell what is new in the searches whose day has come: by day, on a working day; nothing where nothing is new. Returns how many mails."""
    if not working_days.is_open(at):
        return 0
    waited = or_(*((SavedSearch.rhythm == rhythm) & (SavedSearch.looked_at <= at - pause) for rhythm, pause in PAUSES.items()))
    query = select(SavedSearch).join(SavedSearch.user).where(SavedSearch.stopped_at.is_(None), User.is_active, waited)
    query = query.options(contains_eager(SavedSearch.user)).order_by(SavedSearch.looked_at, SavedSearch.id).limit(MOST_AT_ONCE)
    due = list(db.session.scalars(query.with_for_update(of=SavedSearch, skip_locked=True)))
    unwanted = addresses.obstacles({saved.user.email for saved in due}, "saved_search")
    for saved in due:
        saved.looked_at = at
    return sum(tell(saved, at=at, settings=settings) for saved in due if unwanted[saved.user.email] is None)


def tell(saved: SavedSearch, *, at: datetime, settings: MailSettings) -> bool:
    """Queue the mail of what is new, if anything is."""
    question = replace(question_of(saved), since=saved.told_until, sort=Sort.FRESH)
    found = search.results(question)
    if not found.page.total or found.corrected:
        return False
    day = at.astimezone(PARIS).date()
    told = outbox.queue(
        "saved_search",
        uid=f"search-{saved.id}-{day:%Y-%m-%d}",
        recipient=saved.user.email,
        settings=settings,
        useless_after=at + USELESS_AFTER,
        saved=saved,
        total=found.page.total,
        rows=rows_of(question.kind, found.page.ids[:SHOWN]),
        stop_link=stop_link(saved, settings),
    )
    saved.told_until = at
    return told


def rows_of(kind: EntryKind, ids: Sequence[UUID]) -> list[Organisation] | list[Need] | list[Offer]:
    if kind is EntryKind.ORGANISATION:
        return search_rows.organisations_of(ids)
    return search_rows.declarations_of(Need, ids) if kind is EntryKind.NEED else search_rows.declarations_of(Offer, ids)
