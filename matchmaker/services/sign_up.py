"""Inscribing a structure: what was told waits for the link of a mail, then the structure and its first account come to be together.

Nothing tells whether an address has an account: the page is the same, and the mail says it to its reader. The caller commits.
"""

import secrets
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select, update

from matchmaker.extensions import db
from matchmaker.models import Commune, EssLabel, Family, Headcount, InclusionKind, JoinRequest, SignUp, User
from matchmaker.models.base import now
from matchmaker.services import account_tokens, accounts, company_search, joining, organisations, outbox, verification
from matchmaker.services.errors import EmailTaken, NotAllowedNow, SiretTaken

LIFETIME = timedelta(hours=48)


def begin(*, email: str, name: str, password: str, structure: dict[str, Any], settings: outbox.MailSettings) -> SignUp:
    """Keep what was told, and send the link that makes it true; to an address that has an account, a mail that says so. Both cost the same."""
    token = secrets.token_urlsafe(32)
    row = SignUp(
        email=email.strip().lower(),
        name=name,
        password_hash=accounts.hasher.hash(password),
        structure=structure,
        token_hash=account_tokens.digest(token),
        created_at=now(),
        expires_at=now() + LIFETIME,
    )
    db.session.add(row)
    db.session.flush()
    is_known = accounts.account_with(row.email) is not None
    outbox.queue(
        "sign_up_known" if is_known else "sign_up",
        uid=f"sign-up-{row.id}",
        recipient=row.email,
        settings=settings,
        useless_after=row.expires_at,
        sign_up=row,
        link=f"{settings.public_url}/mot-de-passe-oublie" if is_known else f"{settings.public_url}/inscription/fin/{token}",
    )
    return row


def find(token: str) -> SignUp | None:
    """The sign-up of this link, good or not; none when we never sent it."""
    return db.session.scalars(select(SignUp).where(SignUp.token_hash == account_tokens.digest(token))).one_or_none()


def is_good(row: SignUp) -> bool:
    return row.is_good(now()) and accounts.account_with(row.email) is None


def finish(row: SignUp, *, settings: outbox.MailSettings) -> User | JoinRequest:
    """The structure and its administrator; or, when somebody inscribed it in the meantime, a request to join it.

    Of two at the same moment the second is refused. Raises NotAllowedNow.
    """
    where = (SignUp.id == row.id, SignUp.ended_at.is_(None))
    taken = db.session.scalar(update(SignUp).where(*where).values(ended_at=now()).returning(SignUp.id))
    if taken is None or not row.expires_at > now():
        raise NotAllowedNow("used")
    try:
        with db.session.begin_nested():
            user = settle(row)
    except SiretTaken:
        there = organisations.with_number(siret=row.structure["siret"], rna=row.structure["rna"])
        if there is None:
            raise NotAllowedNow("gone again") from None
        return joining.ask(there, email=row.email, name=row.name, message="", settings=settings)
    except EmailTaken:
        raise NotAllowedNow("taken") from None
    return user


def settle(row: SignUp) -> User:
    organisation = organisations.create_organisation(**columns(row.structure), email=row.email)
    db.session.flush()
    user = accounts.create_account_with(row.password_hash, email=row.email, name=row.name, organisation=organisation)
    verification.mark(user)
    user.last_login_at = now()
    return user


def columns(told: dict[str, Any]) -> dict[str, Any]:
    """The columns of the structure: what its person told, and what the directory alone can vouch for."""
    company = company_search.known(told["rna"]) or company_search.known(told["siret"])
    return {
        "name": told["name"],
        "family": Family(told["family"]),
        "inclusion_kind": InclusionKind(told["inclusion_kind"]) if told["inclusion_kind"] else None,
        "esus_until": date.fromisoformat(told["esus_until"]) if told["esus_until"] else None,
        "siret": told["siret"],
        "rna": told["rna"],
        "commune": db.session.get_one(Commune, told["commune_code"]),
        "monthly_budget": told["monthly_budget"],
        "naf": company.naf if company else "",
        "idcc": company.idcc or None if company else None,
        "headcount": Headcount(company.headcount) if company and company.headcount else None,
        "ess_label": EssLabel.LISTED if company and company.is_ess else EssLabel.DECLARED,
    }
