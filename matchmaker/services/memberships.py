"""Who belongs to a structure and what they may do there. Services change the session; the caller commits.

A structure that somebody administers is never left without an administrator. The lock here refuses in time; a trigger of the database
refuses whatever forgets the lock.
"""

from sqlalchemy import select, text

from matchmaker.extensions import db
from matchmaker.models import SPEAKERS, Organisation, Standing, User
from matchmaker.models.base import now
from matchmaker.services import sessions
from matchmaker.services.errors import LastAdministrator


def lock(organisation: Organisation) -> None:
    """What changes who administers a structure happens one after the other."""
    db.session.execute(select(Organisation.id).where(Organisation.id == organisation.id).with_for_update(key_share=True))


def members(organisation: Organisation) -> list[User]:
    """Who speaks for the structure now: its administrators, its editors, its readers, each by name."""
    query = select(User).where(User.organisation_id == organisation.id, User.is_active, User.role.in_(SPEAKERS))
    order = list(reversed(Standing))
    return sorted(db.session.scalars(query), key=lambda user: (order.index(user.standing), user.name.casefold(), user.email))


def administrators(organisation: Organisation) -> list[User]:
    """Those who say who belongs to the structure, the eldest first. Read anew: others may be changing it."""
    query = select(User).where(User.organisation_id == organisation.id, User.is_active, User.role.in_(SPEAKERS), User.standing == Standing.ADMINISTRATOR)
    return list(db.session.scalars(query.order_by(User.created_at, User.id), execution_options={"populate_existing": True}))


def standing_of_newcomer(organisation: Organisation) -> Standing:
    """Who comes first administers; who comes later declares and answers."""
    return Standing.EDITOR if administrators(organisation) else Standing.ADMINISTRATOR


def is_administrator(user: User) -> bool:
    return user.speaks and user.is_active and user.standing is Standing.ADMINISTRATOR


def keep_one(user: User) -> None:
    """Raise LastAdministrator when the structure would have none without this person."""
    if user.organisation is None or not is_administrator(user):
        return
    lock(user.organisation)
    if all(other.id == user.id for other in administrators(user.organisation)):
        raise LastAdministrator(user.email)


def change_standing(user: User, standing: Standing) -> None:
    """More, or less, to do in the structure. The person signs in again. Raises LastAdministrator."""
    if standing is user.standing:
        return
    if standing is not Standing.ADMINISTRATOR:
        keep_one(user)
    user.standing = standing
    sessions.end_all(user)
    db.session.flush()


def leave(user: User) -> None:
    """The person speaks for the structure no more: the account is closed until an invitation opens it again. Raises LastAdministrator."""
    keep_one(user)
    user.is_active, user.left_at = False, now()
    sessions.end_all(user)
    db.session.flush()


def release(user: User) -> User | None:
    """Before an account goes, whatever becomes of its structure: who takes over its administration, if anybody must and can.

    An editor before a reader, the eldest first. A structure of nobody waits for who claims it.
    """
    if user.organisation is None or not is_administrator(user):
        return None
    lock(user.organisation)
    if any(other.id != user.id for other in administrators(user.organisation)):
        return None
    others = [other for other in members(user.organisation) if other.id != user.id]
    heir = min(others, key=lambda other: (other.standing is Standing.READER, other.created_at), default=None)
    if heir is None:
        db.session.execute(text("SELECT set_config('croisee.abandoning', 'on', true)"))
        return None
    heir.standing = Standing.ADMINISTRATOR
    sessions.end_all(heir)
    db.session.flush()
    return heir
