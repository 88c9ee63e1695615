"""The texts that a person accepted, in which version and when. Services change the session; the caller commits."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from matchmaker.extensions import db
from matchmaker.models import Consent, LegalText, User
from matchmaker.models.base import now

# The day of each text as it stands. A text that changes for who reads it gets a new day, and people are asked again.
VERSIONS = {LegalText.TERMS: "2026-11-23", LegalText.PRIVACY: "2026-11-23"}


def accept(user: User) -> None:
    """The texts as they stand today. Accepted twice, the first time counts."""
    rows = [{"user_id": user.id, "legal_text": one, "version": version, "accepted_at": now()} for one, version in VERSIONS.items()]
    db.session.execute(insert(Consent).values(rows).on_conflict_do_nothing())


def consents_of(user: User) -> list[Consent]:
    """What was accepted, the latest first."""
    return list(db.session.scalars(select(Consent).where(Consent.user_id == user.id).order_by(Consent.accepted_at.desc(), Consent.legal_text)))


def missing(user: User) -> list[LegalText]:
    """Texts whose present version the person has not accepted."""
    accepted = {(one.legal_text, one.version) for one in consents_of(user)}
    return [one for one, version in VERSIONS.items() if (one, version) not in accepted]
