"""Taking a publication back, as long as nobody answered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Match, MatchingRun, MatchStatus, Organisation, Proposal, ProposalStatus, RunStatus
from matchmaker.services import outbox, proposals, solicitations
from matchmaker.services.errors import AnsweredAlready, NotAllowedNow
from matchmaker.services.matching import PUBLICATION_LOCK, supersede

# What became of a question to which somebody said something, or kept silent to its end.
OVER = (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED, ProposalStatus.EXPIRED)


@dataclass(frozen=True)
class Withdrawn:
    """How many organisations are told by mail, and how many had not received anything yet."""

    told: int
    spared: int


def can_be_taken_back(run: MatchingRun) -> bool:
    return run.status is RunStatus.PUBLISHED and answers_of(run) == 0


def answers_of(run: MatchingRun) -> int:
    """How many questions of the run are over: answered, or left without an answer to their end."""
    query = select(func.count()).select_from(Proposal).join(Proposal.match).where(Match.run_id == run.id, Proposal.status.in_(OVER))
    return db.session.scalar(query) or 0


def take_back(run: MatchingRun, *, settings: outbox.MailSettings) -> Withdrawn:
    """Withdraw all questions of a published run; it waits to be read again, and the run that was sent before it is the last one sent.

    The questions of that earlier run were never touched: who looks for the last sending must find it. Another run that waits gives way:
    it was computed as if these places were taken. Raises NotAllowedNow, AnsweredAlready.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(PUBLICATION_LOCK)))
    db.session.refresh(run, with_for_update={"of": MatchingRun})
    if run.status is not RunStatus.PUBLISHED:
        raise NotAllowedNow(run.status)
    # In the order in which answers lock them: who answers in this second is seen, or finds the question withdrawn.
    matches = db.session.scalars(select(Match).where(Match.run_id == run.id).order_by(Match.id).with_for_update()).all()
    if answered := answers_of(run):
        raise AnsweredAlready(f"{answered} answers")
    asked: dict[Organisation, list[Proposal]] = defaultdict(list)
    for proposal in pending(run):
        proposal.status = ProposalStatus.WITHDRAWN
        asked[proposal.organisation].append(proposal)
    for match in matches:
        match.status = MatchStatus.PREVIEW
    db.session.flush()
    told = sum(proposals.unannounce(organisation, withdrawn, settings=settings) for organisation, withdrawn in asked.items())
    solicitations.take_back([proposal for withdrawn in asked.values() for proposal in withdrawn])
    run.status, run.published_at = RunStatus.READY, None
    run.revision += 1
    db.session.flush()
    supersede(run, RunStatus.READY)
    bring_back_earlier(run)
    return Withdrawn(told, len(asked) - told)


def pending(run: MatchingRun) -> Sequence[Proposal]:
    query = select(Proposal).join(Proposal.match).where(Match.run_id == run.id, Proposal.status == ProposalStatus.PENDING).order_by(Proposal.id)
    match = joinedload(Proposal.match)
    return db.session.scalars(query.options(joinedload(Proposal.organisation), match.joinedload(Match.need), match.joinedload(Match.offer))).all()


def bring_back_earlier(run: MatchingRun) -> None:
    """The run of the territory that was sent before is the last one sent again."""
    sent = select(MatchingRun.id).where(MatchingRun.territory_id == run.territory_id, MatchingRun.published_at.is_not(None), MatchingRun.id != run.id)
    latest = sent.where(MatchingRun.status == RunStatus.SUPERSEDED).order_by(MatchingRun.published_at.desc()).limit(1).scalar_subquery()
    back = update(MatchingRun).where(MatchingRun.id == latest).values(status=RunStatus.PUBLISHED)
    db.session.execute(back, execution_options={"synchronize_session": "fetch"})
