"""What animators write about a row of their queue."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from wtforms import BooleanField, DateField, RadioField, SelectField, TextAreaField
from wtforms.validators import StopValidation

from matchmaker.models import DeclineReason, DoneReason, Proposal, ProposalStatus, User
from matchmaker.models.base import today
from matchmaker.services.proposal_answers import Reply
from matchmaker.services.work_queue_acts import LONGEST_SNOOZE_DAYS
from matchmaker.web import formats, labels
from matchmaker.web.answer_days import check_day
from matchmaker.web.forms import Form, at_most, required
from matchmaker.web.refusal_fields import BoundsMixin

A_WEEK = 7
ANSWERS = {"oui": ProposalStatus.ACCEPTED, "plus-tard": ProposalStatus.PENDING, "non": ProposalStatus.DECLINED}
BOUNDS = {
    "not_before": "Ne rien lui proposer pour cette annonce avant le",
    "least_volume": "Ce qui lui irait, au moins",
    "most_volume": "Ce qui lui irait, au plus",
    "never_again": "Ne plus la mettre en relation avec cette structure",
}
CHOICES = {"oui": "Oui, les rencontrer", "plus-tard": "Plus tard", "non": "Non merci"}


class CallForm(Form):
    note = TextAreaField("Ce qui a été dit", [required("Écrivez en quelques mots ce qui a été dit."), at_most(1000)])


class DoneForm(Form):
    reason = SelectField("Pourquoi est-ce fait\u00a0?", choices=labels.choices(DoneReason))
    note = TextAreaField("Un mot de plus", [at_most(1000)])


class SnoozeForm(Form):
    until = DateField("Jusqu’au", [required("Choisissez un jour.")])

    def validate_until(self, field: DateField) -> None:
        latest = today() + timedelta(days=LONGEST_SNOOZE_DAYS)
        if not today() < field.data <= latest:
            raise StopValidation(f"Choisissez un jour à venir, le {formats.short_date(latest)} au plus tard.")


class AssignForm(Form):
    to = SelectField("À qui\u00a0?")

    def offer(self, people: list[User]) -> None:
        self.to.choices = {str(user.id): user.name or user.email for user in people}

    @property
    def chosen(self) -> UUID:
        return UUID(self.to.data)


class AnswerForForm(BoundsMixin, Form):
    """An answer given for somebody who said it on the telephone."""

    reponse = RadioField("Sa réponse", [required("Choisissez une réponse.")], choices=CHOICES)
    until = DateField("Quand pourra-t-elle répondre\u00a0?")
    reason = SelectField("Si c’est non, pourquoi\u00a0?", choices=labels.choices(DeclineReason))
    note = TextAreaField("Qui vous l’a dit, et en quels mots\u00a0?", [required("Écrivez qui a répondu, et en quels mots."), at_most(1000)])
    consent = BooleanField("Cette personne m’a demandé de répondre à sa place", [required("Sans son accord, laissez-la répondre elle-même.")])

    latest: date | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """The words of the bounds are those of somebody who speaks for another."""
        super().__init__(*args, **kwargs)
        for name, words in BOUNDS.items():
            self[name].label.text = words

    def is_refusal(self) -> bool:
        return bool(self.reponse.data == "non")

    def validate_until(self, field: DateField) -> None:
        """Read with « later » only."""
        field.errors = []
        if self.reponse.data == "plus-tard":
            if field.data is None:
                raise StopValidation("Choisissez une date.")
            check_day(field.data, self.latest)

    def reply(self, proposal: Proposal) -> Reply:
        status = ANSWERS[self.reponse.data]
        if status is not ProposalStatus.DECLINED:
            return Reply(status, until=self.until.data if status is ProposalStatus.PENDING else None)
        return Reply(status, reason=DeclineReason(self.reason.data), bounds=self.bounds(proposal))


def next_week() -> date:
    return today() + timedelta(days=A_WEEK)
