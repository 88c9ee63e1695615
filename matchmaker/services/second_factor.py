"""The second factor: a code of the telephone (TOTP, RFC 6238) or one on paper. Services change the session; the caller commits."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from uuid import uuid4

import pyotp
from sqlalchemy import delete, func, select, update

from matchmaker.extensions import db
from matchmaker.models import RecoveryCode, SecondFactor, User
from matchmaker.models.base import now
from matchmaker.services import outbox, sealing, sessions
from matchmaker.services.errors import NotAllowedNow

ISSUER = "La Croisée"
STEP = 30
# A telephone's clock may be one step early or late.
LATE = (0, -1, 1)
CODES = 10
# No letter is taken for another one on paper; 80 bits of chance in 16 of them.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
# What the secrets are sealed for. The migration that sealed those before it says the same words.
PURPOSE = "second factor"


def is_on(user: User) -> bool:
    return user.second_factor is not None and user.second_factor.confirmed_at is not None


def is_required(user: User, *, is_demonstration: bool) -> bool:
    """Who sees what is other people's needs one. The invented accounts of a demonstration, whose password is public, do not."""
    return user.role in sessions.STAFF and not (user.is_demo and is_demonstration)


def prepare(user: User, *, keys: Sequence[str]) -> SecondFactor:
    """A secret to be typed or photographed, the same until a code of it was typed. Raises NotAllowedNow when one counts already."""
    if is_on(user):
        raise NotAllowedNow("on")
    sealed = sealing.seal(pyotp.random_base32(), keys, purpose=PURPOSE)
    if user.second_factor is None:
        user.second_factor = SecondFactor(secret=sealed, last_step=0)
    elif secret_of(user.second_factor, keys=keys) is None:
        user.second_factor.secret = sealed
    db.session.flush()
    return user.second_factor


def secret_of(factor: SecondFactor, *, keys: Sequence[str]) -> str | None:
    """What the telephone shares with us; nothing when the key that sealed it is gone: codes on paper still open then."""
    return sealing.unseal(factor.secret, keys, purpose=PURPOSE)


def address(secret: str, email: str) -> str:
    """What the telephone reads in the square code."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=email, issuer_name=ISSUER)


def turn_on(user: User, code: str, *, keys: Sequence[str], settings: outbox.MailSettings) -> list[str] | None:
    """The recovery codes, when the code is the one that the telephone shows; nothing when it is not. Raises NotAllowedNow without a secret."""
    if user.second_factor is None or is_on(user):
        raise NotAllowedNow("not prepared")
    if not takes_telephone(user, code, keys=keys):
        return None
    user.second_factor.confirmed_at = now()
    tell(user, is_on_now=True, settings=settings)
    return new_codes(user)


def turn_off(user: User, *, settings: outbox.MailSettings) -> None:
    """Without it from now on; every session ends but the one that asks, which the caller begins anew."""
    if user.second_factor is None:
        return
    was_on = is_on(user)
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    db.session.delete(user.second_factor)
    user.second_factor = None
    sessions.end_all(user)
    if was_on:
        tell(user, is_on_now=False, settings=settings)


def tell(user: User, *, is_on_now: bool, settings: outbox.MailSettings) -> None:
    """Whoever did not do it learns of it."""
    outbox.queue("second_factor", uid=f"second-factor-{uuid4()}", recipient=user.email, settings=settings, is_on=is_on_now)


def new_codes(user: User) -> list[str]:
    """Ten codes for paper, shown this once; those before open nothing any more."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["-".join("".join(secrets.choice(LETTERS) for _letter in range(4)) for _part in range(4)) for _code in range(CODES)]
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=digest(user, code)) for code in codes)
    db.session.flush()
    return codes


def codes_left(user: User) -> int:
    return db.session.scalar(select(func.count(RecoveryCode.id)).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))) or 0


def takes(user: User, typed: str, *, keys: Sequence[str]) -> bool:
    """Is it a good code of the telephone or of the paper, used for the first time?"""
    return is_on(user) and (takes_telephone(user, typed, keys=keys) or takes_paper(user, typed))


def takes_telephone(user: User, typed: str, *, keys: Sequence[str]) -> bool:
    """Is it a code of these minutes, later than the last one that was taken? Of two at the same time one is taken."""
    factor, code = user.second_factor, "".join(typed.split())
    if factor is None or not (code.isascii() and code.isdigit() and len(code) == 6):
        return False
    secret = secret_of(factor, keys=keys)
    if secret is None:
        return False
    totp = pyotp.TOTP(secret, interval=STEP)
    present = int(now().timestamp()) // STEP
    meant = [present + late for late in LATE if hmac.compare_digest(totp.at((present + late) * STEP), code)]
    if not meant:
        return False
    where = (SecondFactor.user_id == user.id, SecondFactor.last_step < meant[0])
    taken = db.session.scalar(update(SecondFactor).where(*where).values(last_step=meant[0]).returning(SecondFactor.last_step))
    return taken is not None


def takes_paper(user: User, typed: str) -> bool:
    """Is it one of the codes on paper that has not served? It serves now."""
    where = (RecoveryCode.user_id == user.id, RecoveryCode.code_hash == digest(user, typed), RecoveryCode.used_at.is_(None))
    return db.session.scalar(update(RecoveryCode).where(*where).values(used_at=now()).returning(RecoveryCode.id)) is not None


def digest(user: User, code: str) -> str:
    """A code as people type it: capitals, spaces and dashes do not matter."""
    letters = "".join(letter for letter in code.lower() if letter.isalnum())
    return sha256(f"{user.id}:{letters}".encode(errors="replace")).hexdigest()


def seal_anew(*, keys: Sequence[str]) -> tuple[int, int]:
    """Seal with the present key what older ones sealed, so that they can be taken away. Returns how many were sealed, how many none opens."""
    sealed = lost = 0
    for factor in db.session.scalars(select(SecondFactor).order_by(SecondFactor.user_id).with_for_update()):
        secret = secret_of(factor, keys=keys)
        if secret is None:
            lost += 1
        elif sealing.is_old(factor.secret, keys, purpose=PURPOSE):
            factor.secret = sealing.seal(secret, keys, purpose=PURPOSE)
            sealed += 1
    return sealed, lost
