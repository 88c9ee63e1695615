"""What an animator does about a row of the work queue, what stands of it, and taking it back. Services change the session; the caller commits."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, cast, delete, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import ActKind, Channel, DoneReason, MailCall, Matter, Organisation, OutboxMail, Proposal, Role, Territory, User, WorkAct
from matchmaker.models.base import now
from matchmaker.services import mails, outbox, proposal_answers
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.proposal_answers import Reply
from matchmaker.services.work_queue_facts import Fact

# A need that was dealt with and that a run leaves out once more comes back after this long, not each week.
QUIET_DAYS = 21
LONGEST_SNOOZE_DAYS = 90
SHOWN_ACTS = 5


@dataclass(frozen=True)
class Standing:
    """What stands of the acts on one row, the newest last."""

    acts: Sequence[WorkAct] = field(default_factory=tuple)

    @property
    def assigned_to(self) -> User | None:
        return next((act.assigned_to for act in reversed(self.acts) if act.kind is ActKind.ASSIGNED), None)

    def snoozed_until(self, today: date) -> date | None:
        """The day until which it is put off; none when that is past, or when something was done about it since."""
        last = next((act for act in reversed(self.acts) if act.kind in (ActKind.SNOOZED, ActKind.DONE)), None)
        return last.until if last is not None and last.until is not None and last.until > today else None

    def is_done(self, fact: Fact) -> bool:
        """Dealt with, and nothing new since."""
        done = next((act for act in reversed(self.acts) if act.kind is ActKind.DONE), None)
        if done is None:
            return False
        quiet = timedelta(days=QUIET_DAYS if fact.matter is Matter.UNSERVED else 0)
        return done.created_at + quiet >= fact.news_at

    @property
    def said(self) -> list[WorkAct]:
        """What structures said on the telephone, the newest first."""
        return [act for act in reversed(self.acts) if act.note]


def standings(subject_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Subject → what stands; absent where nobody did anything. One query and one for the people."""
    query = select(WorkAct).where(WorkAct.subject_id == any_(cast(list(subject_ids), ARRAY(Uuid))), WorkAct.undone_at.is_(None))
    query = query.options(joinedload(WorkAct.assigned_to), joinedload(WorkAct.by)).order_by(WorkAct.created_at, WorkAct.id)
    acts: dict[UUID, list[WorkAct]] = defaultdict(list)
    for act in db.session.scalars(query):
        acts[act.subject_id].append(act)
    return {subject_id: Standing(found) for subject_id, found in acts.items()}


def act(fact: Fact, kind: ActKind, *, by: User, **fields: Any) -> WorkAct:
    made = WorkAct(matter=fact.matter, subject_id=fact.subject_id, organisation_id=fact.organisation_id, kind=kind, by=by, created_at=now(), **fields)
    db.session.add(made)
    db.session.flush()
    return made


def assign(fact: Fact, to: User, *, by: User) -> WorkAct:
    """Somebody takes care of it from now on: oneself, or a colleague. Raises NotAllowedNow for who does not look after that territory."""
    if to.role not in (Role.ANIMATOR, Role.ADMIN) or not to.is_active or not to.looks_after(db.session.get(Territory, fact.territory_id)):
        raise NotAllowedNow("not theirs")
    return act(fact, ActKind.ASSIGNED, by=by, assigned_to=to)


def note_call(fact: Fact, *, by: User, note: str) -> WorkAct:
    """Keep what was said. The row stays until it is done."""
    return act(fact, ActKind.CALLED, by=by, note=note.strip())


def snooze(fact: Fact, *, until: date, by: User, today: date) -> WorkAct:
    """Put it off. Raises NotAllowedNow for a day that is past, or too far."""
    if not today < until <= today + timedelta(days=LONGEST_SNOOZE_DAYS):
        raise NotAllowedNow(str(until))
    return act(fact, ActKind.SNOOZED, by=by, until=until)


def finish(fact: Fact, *, reason: DoneReason, by: User, note: str = "") -> WorkAct:
    """It was dealt with. The mails that did not arrive count as called."""
    done = act(fact, ActKind.DONE, by=by, reason=reason, note=note.strip())
    if fact.matter is Matter.UNREACHABLE:
        lost = db.session.scalars(select(OutboxMail.id).where(OutboxMail.organisation_id == fact.organisation_id, mails.is_to_call())).all()
        db.session.add_all([MailCall(mail_id=mail_id, done_at=done.created_at, done_by_id=by.id) for mail_id in lost])
        db.session.flush()
    return done


def answer_for(fact: Fact, proposal: Proposal, reply: Reply, *, by: User, note: str, settings: outbox.MailSettings) -> WorkAct:
    """Write down what a structure said on the telephone, who heard it and in what words. Raises NotAllowedNow when it cannot be said any more."""
    proposal_answers.answer(proposal, reply, channel=Channel.ANIMATOR, settings=settings)
    told = act(fact, ActKind.ANSWERED, by=by, note=note.strip(), proposal_id=proposal.id)
    told.organisation_id = proposal.organisation_id
    db.session.flush()
    return told


def undo(made: WorkAct) -> None:
    """As if it had not been done; the trace stays. Raises NotAllowedNow for an answer, or when it is undone already."""
    if not made.can_be_undone():
        raise NotAllowedNow(made.kind)
    made.undone_at = now()
    if made.kind is ActKind.DONE and made.matter is Matter.UNREACHABLE:
        mine = select(OutboxMail.id).where(OutboxMail.organisation_id == made.organisation_id)
        db.session.execute(delete(MailCall).where(MailCall.mail_id.in_(mine), MailCall.done_at == made.created_at))
    db.session.flush()


def act_of(user: User, act_id: UUID) -> WorkAct | None:
    """One's own act, or one about a structure of the territories that one looks after."""
    query = select(WorkAct).where(WorkAct.id == act_id).options(joinedload(WorkAct.organisation).joinedload(Organisation.territory))
    made = db.session.scalars(query).one_or_none()
    if made is None:
        return None
    is_near = made.organisation is not None and user.looks_after(made.organisation.territory)
    return made if made.by_id == user.id or is_near else None


def latest_of(user: User, *, since: datetime) -> list[WorkAct]:
    """What somebody did lately and may take back, the newest first."""
    query = select(WorkAct).where(WorkAct.by_id == user.id, WorkAct.created_at >= since, WorkAct.undone_at.is_(None), WorkAct.kind != ActKind.ANSWERED)
    query = query.options(joinedload(WorkAct.organisation), joinedload(WorkAct.assigned_to))
    return list(db.session.scalars(query.order_by(WorkAct.created_at.desc()).limit(SHOWN_ACTS)))


def colleagues(territories: Collection[Territory]) -> list[User]:
    """Who else may take a row of these territories, by name."""
    query = select(User).where(User.is_active, User.role == Role.ANIMATOR).options(selectinload(User.territories))
    return [user for user in db.session.scalars(query.order_by(User.name, User.email)) if any(user.looks_after(territory) for territory in territories)]
