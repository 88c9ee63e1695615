"""Who is erased, and by which words others named them. Read before anything is taken away."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import or_, select

from matchmaker.models import Invitation, JobDating, Match, Need, Offer, Organisation, Participant, User, Venue
from matchmaker.services.personal_data_scrubbing import Words


@dataclass(frozen=True)
class Erased:
    """Who is erased: an account, and its structure when nobody else speaks for it. As they were before anything was taken away."""

    user_id: UUID
    email: str
    name: str
    organisation_id: UUID | None
    is_with_structure: bool
    words: Words

    @classmethod
    def of(cls, user: User, *, with_structure: bool) -> "Erased":
        keys = [user.email]
        structure = user.organisation if with_structure else None
        if structure is not None:
            keys += keys_of(structure)
        words = Words.of(keys=keys, person=user.name, structure=structure.name if structure else "")
        return cls(user.id, user.email, user.name, user.organisation_id, with_structure, words)

    @classmethod
    def of_structure(cls, structure: Organisation) -> "Erased":
        """A structure that no account speaks for."""
        # Of nobody: it matches no row of any person.
        words = Words.of(keys=keys_of(structure), structure=structure.name)
        return cls(uuid4(), f"{uuid4()}@personne.invalid", "", structure.id, True, words)

    @cached_property
    def matches(self) -> Any:
        needs, offers = (select(model.id).where(model.organisation_id == self.organisation_id) for model in (Need, Offer))
        return select(Match.id).where(or_(Match.need_id.in_(needs), Match.offer_id.in_(offers)))

    @cached_property
    def job_datings(self) -> Any:
        """Those that the structure received or came to."""
        venues = select(Venue.id).where(Venue.organisation_id == self.organisation_id)
        came = select(Participant.job_dating_id).where(Participant.organisation_id == self.organisation_id)
        return select(JobDating.id).where(or_(JobDating.venue_id.in_(venues), JobDating.id.in_(came)))

    @cached_property
    def invitations(self) -> Any:
        return select(Invitation.id).where(Invitation.organisation_id == self.organisation_id)


def keys_of(structure: Organisation) -> list[str]:
    """What is this structure's alone."""
    return [structure.email, structure.phone, structure.website, structure.siret or "", structure.rna or "", structure.address]
