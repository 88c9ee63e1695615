"""What people see of the mails: their state, whom to call, what would leave. Sending is services/outbox."""

import email
import email.policy
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVarTuple
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, defer, joinedload

from matchmaker.extensions import db
from matchmaker.models import Commune, Level, MailCall, MailStatus, Obstacle, Organisation, OutboxMail, Role, Territory, Topic, User
from matchmaker.models.base import now as present
from matchmaker.services import addresses, asking_budgets
from matchmaker.services.organisations import LAST_PAGE
from matchmaker.services.territories import fold, plain

Columns = TypeVarTuple("Columns")
# A signed link opens what its recipient alone may do: who reads over their shoulder sees that it is there, no more.
SIGNED_LINKS = re.compile(
    r"(/(?:invitations|reponses|echanges|suites|jour|mot-de-passe|compte/adresse|inscription/fin|rejoindre|courriels/refuser|agenda)/)[\w.\-]{20,}"
)


@dataclass(frozen=True)
class Filters:
    """Which mails to show. ``territory_ids`` is None for who looks after all of them; then mails to no structure count too."""

    territory_ids: frozenset[int] | None
    status: MailStatus | None = None
    only_maybe_twice: bool = False
    kind: str = ""
    epci: str = ""
    text: str = ""


def search(filters: Filters, *, page: int = 1, per_page: int = 25) -> Pagination:
    """Mails with their structure, newest first; without their bytes."""
    query = within(select(OutboxMail), filters).where(*of_state(filters))
    query = query.options(contains_eager(OutboxMail.organisation).contains_eager(Organisation.commune), defer(OutboxMail.message))
    return paginated(query.order_by(OutboxMail.id.desc()), page, per_page)


def counts(filters: Filters) -> tuple[dict[MailStatus, int], int]:
    """How many mails stand in each state, and how many may have arrived twice, whatever state the filters ask for."""
    query = within(select(OutboxMail.status, func.count(), func.count().filter(OutboxMail.is_maybe_twice)), filters)
    rows = db.session.execute(query.group_by(OutboxMail.status)).all()
    return {status: count for status, count, _twice in rows}, sum(twice for _status, _count, twice in rows)


def departements_of(user: User) -> list[Territory]:
    """The départements that an account looks after, whether it was given them or their region."""
    query = select(Territory).where(Territory.level == Level.DEPARTEMENT).order_by(Territory.code)
    if user.role is not Role.ADMIN:
        mine = [territory.id for territory in user.territories] if user.role is Role.ANIMATOR else []
        query = query.where(Territory.id.in_(mine) | Territory.parent_id.in_(mine))
    return list(db.session.scalars(query))


def epcis(territory_ids: Collection[int]) -> list[Territory]:
    """The EPCI of these départements, by name."""
    query = select(Territory).where(Territory.level == Level.EPCI, Territory.parent_id.in_(territory_ids))
    return list(db.session.scalars(query.order_by(Territory.name)))


def within(query: Select[*Columns], filters: Filters) -> Select[*Columns]:
    """The query over the mails of these territories, this kind, this EPCI and these words."""
    query = query.select_from(OutboxMail).outerjoin(OutboxMail.organisation).outerjoin(Organisation.commune)
    if filters.territory_ids is not None:
        query = query.where(Organisation.territory_id.in_(filters.territory_ids))
    if filters.kind:
        query = query.where(OutboxMail.kind == filters.kind)
    if filters.epci:
        query = query.where(Commune.epci_code == filters.epci)
    name = func.unaccent(func.lower(Organisation.name))
    # A word holds letters and digits only: no wildcard of LIKE is left in it.
    for word in plain(filters.text).split():
        query = query.where(or_(name.contains(word), name.contains(fold(word)), func.lower(OutboxMail.recipient).contains(word)))
    return query


def of_state(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if filters.status is not None:
        wanted.append(OutboxMail.status == filters.status)
    if filters.only_maybe_twice:
        wanted.append(OutboxMail.is_maybe_twice.is_(True))
    return wanted


def paginated(query: Select[OutboxMail], page: int, per_page: int) -> Pagination:
    return db.paginate(query, page=max(1, min(page, LAST_PAGE)), per_page=per_page, max_per_page=100, error_out=False)


def is_to_call() -> ColumnElement[bool]:
    """Mails that somebody should replace by a call: they did not arrive, it still matters, and nobody has called."""
    # Who wants no invitations by mail is still expected at the table.
    unwelcome = (OutboxMail.last_error == addresses.WITHHELD[Obstacle.OBJECTED]) & OutboxMail.kind.in_(
        [kind for kind, topic in addresses.TOPICS.items() if topic is Topic.INVITATIONS]
    )
    is_lost = OutboxMail.status.in_((MailStatus.FAILED, MailStatus.BOUNCED)) | ((OutboxMail.status == MailStatus.CANCELLED) & unwelcome)
    still_matters = OutboxMail.useless_after.is_(None) | (OutboxMail.useless_after > present())
    return is_lost & still_matters & OutboxMail.id.not_in(select(MailCall.mail_id))


def to_call(filters: Filters, *, page: int = 1, per_page: int = 50) -> Pagination:
    """Whom to call, about what: what is due first comes first."""
    query = within(select(OutboxMail), filters).where(is_to_call())
    query = query.options(contains_eager(OutboxMail.organisation).contains_eager(Organisation.commune), defer(OutboxMail.message))
    return paginated(query.order_by(OutboxMail.useless_after.nulls_last(), OutboxMail.id), page, per_page)


def to_call_count(filters: Filters) -> int:
    return db.session.scalar(within(select(func.count()), filters).where(is_to_call())) or 0


def mail(mail_id: int) -> OutboxMail | None:
    """A mail with its bytes, its structure and the territory of that."""
    query = select(OutboxMail).where(OutboxMail.id == mail_id)
    organisation = joinedload(OutboxMail.organisation)
    return db.session.scalars(query.options(organisation.joinedload(Organisation.commune), organisation.joinedload(Organisation.territory))).one_or_none()


def thread_of(mail: OutboxMail) -> list[OutboxMail]:
    """All mails about the same thing to the same structure, in their order: this one among them."""
    thread = mail.idempotency_key.partition(":")[0]
    same = (OutboxMail.idempotency_key == thread) | OutboxMail.idempotency_key.startswith(f"{thread}:", autoescape=True)
    return list(db.session.scalars(select(OutboxMail).where(same).options(defer(OutboxMail.message)).order_by(OutboxMail.id)))


def text_of(mail: OutboxMail) -> str:
    """The text part as it left, but for the signed links: they are their recipient's. Empty when the bytes are no longer kept."""
    message = email.message_from_bytes(mail.message, policy=email.policy.default)
    body = message.get_body(("plain",))
    return SIGNED_LINKS.sub(r"\1…", str(body.get_content()).replace("\r\n", "\n").strip()) if body is not None else ""


def call_of(mail: OutboxMail) -> MailCall | None:
    return db.session.get(MailCall, mail.id)


def finish_call(mail: OutboxMail, *, by: User) -> None:
    """Somebody called, or it no longer matters. Said twice, the first time counts."""
    values = {"mail_id": mail.id, "done_at": present(), "done_by_id": by.id}
    db.session.execute(insert(MailCall).values(values).on_conflict_do_nothing(index_elements=["mail_id"]))


@dataclass(frozen=True)
class Preview:
    """What would leave: who receives a mail of this kind, and who does not, with the reason."""

    kind: str
    receives: list[Organisation] = field(default_factory=list)
    withheld: list[tuple[Organisation, Obstacle]] = field(default_factory=list)

    @property
    def reasons(self) -> dict[UUID, Obstacle]:
        """Organisation id → why it receives none; absent for who receives one."""
        return {organisation.id: reason for organisation, reason in self.withheld}


def preview(organisations: Iterable[Organisation], kind: str, *, today: date) -> Preview:
    """What queueing a mail of this kind for each of these would do, by name; in a fixed number of queries."""
    asked = sorted(set(organisations), key=lambda organisation: (fold(organisation.name), organisation.id))
    found = addresses.obstacles([organisation.email for organisation in asked], kind)
    over = over_budget(asked, today=today) if addresses.TOPICS.get(kind) is Topic.PROPOSALS else set()
    told = Preview(kind)
    for organisation in asked:
        pauses = organisation.paused_until is not None and organisation.paused_until >= today
        reason = found[organisation.email]
        if addresses.TOPICS.get(kind) is Topic.PROPOSALS and (pauses or organisation in over):
            # Nothing is proposed to them at all: their address does not matter.
            reason = Obstacle.PAUSED if pauses else Obstacle.BUDGET
        if reason is None:
            told.receives.append(organisation)
        else:
            told.withheld.append((organisation, reason))
    return told


def over_budget(organisations: Sequence[Organisation], *, today: date) -> set[Organisation]:
    """Those that were asked as often this week, or this month, as they accept."""
    asked = asking_budgets.counted([organisation.id for organisation in organisations], day=today)
    return {organisation for organisation in organisations if not asking_budgets.left_of(organisation, asked.get(organisation.id, {})).now}
