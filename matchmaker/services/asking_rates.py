"""What the platform's own answers say about the next one: who answers, which scores are accepted, and which yes come to something.

A structure's own history counts from the day that it chose, if it chose one. Every rate begins at a prior: see engine/rates.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import case, func, or_, select

from matchmaker.engine.cover import SILENT_DAYS
from matchmaker.engine.rates import ACCEPT_PRIOR, CONCLUDE_PRIOR, FATIGUE, RateByScore, acceptance_by_score, platform_mean
from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Organisation, Outcome, Proposal, ProposalStatus, Side, Solicitation, SolicitationKind
from matchmaker.models.outcomes import CONCLUDED
from matchmaker.services import working_days

Floats = NDArray[np.float64]
# The newest answers: what people did years ago says little.
MOST_ANSWERS = 5000
# Two yes that nobody took back for so long came to something.
CONCLUDED_DAYS = 60
# From this question on, « nothing yet » and « met » mean that nothing came.
SURE_WAVE = 90


@dataclass(frozen=True)
class Known:
    """What is known of answers.

    Attributes
    ----------
    answered, silent : organisation id → answers, and silences weighed by the attention there was.
    mean : of the platform.
    accept, conclude : chance of a yes among the answers, and of a cooperation after two yes, by score.
    """

    answered: dict[UUID, float]
    silent: dict[UUID, float]
    mean: float
    accept: RateByScore
    conclude: RateByScore


def known(*, day: date) -> Known:
    answered, silent = histories(day=day)
    yes = [(score, status is ProposalStatus.ACCEPTED) for score, status in db.session.execute(newest_answers())]
    ended = [(score, came) for score, came in db.session.execute(newest_talks(day=day))]
    return Known(
        answered=answered,
        silent=silent,
        mean=platform_mean(np.array(list(answered.values())), np.array(list(silent.values()))),
        accept=rate(yes, ACCEPT_PRIOR),
        conclude=rate(ended, CONCLUDE_PRIOR),
    )


def rate(outcomes: list[tuple[int, bool]], prior: tuple[float, float]) -> RateByScore:
    score = np.array([one[0] for one in outcomes], dtype=np.int64)
    return acceptance_by_score(score, np.array([one[1] for one in outcomes], dtype=np.bool_), prior=prior)


def histories(*, day: date, organisation_id: UUID | None = None) -> tuple[dict[UUID, float], dict[UUID, float]]:
    """Organisation id → its answers, and its silences of ten working days; of one organisation, or of all."""
    told = Proposal.status.in_((ProposalStatus.ACCEPTED, ProposalStatus.DECLINED))
    kept_silent = Proposal.status.in_((ProposalStatus.PENDING, ProposalStatus.EXPIRED)) & Proposal.postponed_until.is_(None)
    is_over = Solicitation.day <= working_days.add(day, -SILENT_DAYS)
    attention: Any = func.sum(case((kept_silent & is_over, 1.0 / (1.0 + FATIGUE * Solicitation.load)), else_=0.0))
    query = select(Solicitation.organisation_id, func.count().filter(told), attention).join(Solicitation.proposal)
    query = query.join(Organisation, Organisation.id == Solicitation.organisation_id)
    query = query.where(Solicitation.kind == SolicitationKind.PROPOSAL, Solicitation.returned_at.is_(None))
    query = query.where(or_(Organisation.history_from.is_(None), Solicitation.day >= Organisation.history_from))
    if organisation_id is not None:
        query = query.where(Solicitation.organisation_id == organisation_id)
    rows = db.session.execute(query.group_by(Solicitation.organisation_id).order_by(Solicitation.organisation_id)).all()
    return {row[0]: float(row[1]) for row in rows}, {row[0]: float(row[2]) for row in rows}


def newest_answers() -> Any:
    """Answers to proposals that were sent: those of a pair that a host brought together say nothing of how questions are received."""
    query = select(Match.score, Proposal.status).join(Proposal.match).where(Proposal.side == Side.OFFER, Proposal.answered_at.is_not(None))
    query = query.where(Match.run_id.is_not(None))
    return query.order_by(Proposal.answered_at.desc(), Proposal.id).limit(MOST_ANSWERS)


def newest_talks(*, day: date) -> Any:
    """What came of two yes: as their sides tell it, else taken back, or standing long enough."""
    told = select(Outcome.match_id, func.bool_or(Outcome.result.in_(CONCLUDED)).label("is_concluded"), func.max(Outcome.wave).label("wave"))
    said = told.where(Outcome.result.is_not(None)).group_by(Outcome.match_id).subquery()
    is_known = or_(Match.status == MatchStatus.ENDED, Match.confirmed_at < day - timedelta(days=CONCLUDED_DAYS), said.c.is_concluded, said.c.wave >= SURE_WAVE)
    came = case((said.c.is_concluded, True), (said.c.wave >= SURE_WAVE, False), else_=Match.status == MatchStatus.CONFIRMED)
    query = select(Match.score, came).outerjoin(said, said.c.match_id == Match.id).where(Match.confirmed_at.is_not(None), is_known)
    return query.order_by(Match.confirmed_at.desc(), Match.id).limit(MOST_ANSWERS)
