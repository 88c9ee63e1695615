"""Coming into a structure that exists: asking for it, being invited, taking the invitation. The caller commits.

An invitation is for who reads the mail of its address, for seven days: it opens an account there, or opens again one that had left.
"""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import SPEAKERS, JoinRequest, MemberInvitation, Organisation, Role, Standing, User
from matchmaker.models.base import now
from matchmaker.services import account_tokens, accounts, invitation_mails, memberships, outbox, verification
from matchmaker.services.errors import EmailTaken, NotAllowedNow

LIFETIME = timedelta(days=7)


def invite(organisation: Organisation, *, email: str, name: str, standing: Standing, by: User | None, settings: outbox.MailSettings) -> MemberInvitation:
    """Send an invitation; one that waits for the same address ends. The mail is the same whether the address has an account or not."""
    email, token = email.strip().lower(), secrets.token_urlsafe(32)
    # Two at once wait for each other: one of them is the newest.
    memberships.lock(organisation)
    open_ones = (MemberInvitation.organisation_id == organisation.id, MemberInvitation.email == email, MemberInvitation.ended_at.is_(None))
    db.session.execute(update(MemberInvitation).where(*open_ones).values(ended_at=now()))
    row = MemberInvitation(
        organisation=organisation,
        email=email,
        name=name,
        standing=standing,
        invited_by=by,
        token_hash=account_tokens.digest(token),
        created_at=now(),
        expires_at=now() + LIFETIME,
    )
    db.session.add(row)
    db.session.flush()
    outbox.queue(
        "member_invitation",
        uid=f"member-invitation-{row.id}",
        recipient=email,
        settings=settings,
        useless_after=row.expires_at,
        invitation=row,
        link=f"{settings.public_url}/rejoindre/{token}",
    )
    return row


def invitations(organisation: Organisation) -> list[MemberInvitation]:
    """Those that can still be taken, the newest first."""
    query = select(MemberInvitation).where(MemberInvitation.organisation_id == organisation.id, MemberInvitation.ended_at.is_(None))
    return [row for row in db.session.scalars(query.order_by(MemberInvitation.created_at.desc())) if row.is_good(now())]


def withdraw(invitation: MemberInvitation) -> None:
    invitation.ended_at = invitation.ended_at or now()


def find(token: str) -> MemberInvitation | None:
    """The invitation of this link, good or not; none when we never sent it."""
    query = select(MemberInvitation).where(MemberInvitation.token_hash == account_tokens.digest(token))
    return db.session.scalars(query.options(joinedload(MemberInvitation.organisation))).one_or_none()


def account_of(invitation: MemberInvitation) -> User | None:
    """The account that the address has already."""
    return accounts.account_with(invitation.email)


def can_be_taken(account: User | None) -> bool:
    """A new address, or an account that left its structure. One that speaks for another structure leaves that one first."""
    return account is None or (not account.is_active and account.left_at is not None and account.speaks)


def take(invitation: MemberInvitation, *, name: str, password: str) -> User:
    """The account of who was invited. Of two at the same moment the second is refused. Raises NotAllowedNow, EmailTaken."""
    if not spend(invitation) or not invitation.expires_at > now():
        raise NotAllowedNow("used")
    account = account_of(invitation)
    if not can_be_taken(account):
        raise EmailTaken(invitation.email)
    memberships.lock(invitation.organisation)
    # Whoever comes into a structure of nobody administers it, whatever the invitation said.
    standing = Standing.ADMINISTRATOR if not memberships.administrators(invitation.organisation) else invitation.standing
    if account is None:
        account = accounts.create_account(email=invitation.email, password=password, name=name, organisation=invitation.organisation, standing=standing)
    else:
        accounts.set_password(account, password)
        account.role, account.organisation, account.standing = Role.MEMBER, invitation.organisation, standing
        account.name, account.is_active, account.left_at = name, True, None
    verification.mark(account)
    account.last_login_at = now()
    db.session.flush()
    return account


def spend(invitation: MemberInvitation) -> bool:
    """End it, once: of those who do it at the same moment the others wait for the first, and get False."""
    where = (MemberInvitation.id == invitation.id, MemberInvitation.ended_at.is_(None))
    return db.session.scalar(update(MemberInvitation).where(*where).values(ended_at=now()).returning(MemberInvitation.id)) is not None


def ask(organisation: Organisation, *, email: str, name: str, message: str, settings: outbox.MailSettings) -> JoinRequest:
    """Ask to join; asked again while nobody decided, it is the same request. Who decides gets a mail."""
    email = email.strip().lower()
    values = {"organisation_id": organisation.id, "email": email, "name": name, "message": message, "created_at": now()}
    made = insert(JoinRequest).values(values).on_conflict_do_nothing(index_elements=["organisation_id", "email"], index_where=JoinRequest.decided_at.is_(None))
    request_id = db.session.scalar(made.returning(JoinRequest.id))
    if request_id is None:
        return db.session.scalars(select(JoinRequest).where(*waiting(organisation), JoinRequest.email == email)).one()
    row = db.session.get_one(JoinRequest, request_id)
    for number, recipient in enumerate(deciders(organisation)):
        # No address in a key: a key outlives the erasure of who was written to.
        outbox.queue("join_request", uid=f"join-request-{row.id}-{number}", recipient=recipient, settings=settings, request=row)
    return row


def waiting(organisation: Organisation) -> tuple[ColumnElement[bool], ...]:
    return JoinRequest.organisation_id == organisation.id, JoinRequest.decided_at.is_(None)


def deciders(organisation: Organisation) -> list[str]:
    """The addresses of its administrators; of its territory's contact when it has none."""
    found = [user.email for user in memberships.administrators(organisation)]
    contact = invitation_mails.contact_email(organisation.territory)
    return found or ([contact] if contact else [])


def requests(organisation: Organisation) -> list[JoinRequest]:
    """Those that wait, the oldest first."""
    return list(db.session.scalars(select(JoinRequest).where(*waiting(organisation)).order_by(JoinRequest.created_at)))


def requests_of_nobody(user: User, *, most: int = 200) -> list[JoinRequest]:
    """Requests that wait for this animator: their structure has nobody who could decide. The oldest first."""
    query = select(JoinRequest).where(JoinRequest.decided_at.is_(None)).options(joinedload(JoinRequest.organisation).joinedload(Organisation.territory))
    administered = (
        select(User.id).where(
            User.organisation_id == JoinRequest.organisation_id, User.is_active, User.standing == Standing.ADMINISTRATOR, User.role.in_(SPEAKERS)
        )
    ).exists()
    rows = db.session.scalars(query.where(~administered).order_by(JoinRequest.created_at))
    return [row for row in rows if user.looks_after(row.organisation.territory)][:most]


def decide(request: JoinRequest, *, by: User, standing: Standing | None, settings: outbox.MailSettings) -> MemberInvitation | None:
    """Accept with a standing, which sends an invitation to the address; or refuse with none. Raises NotAllowedNow when it was decided already."""
    where = (JoinRequest.id == request.id, JoinRequest.decided_at.is_(None))
    values = {"decided_at": now(), "decided_by_id": by.id, "is_accepted": standing is not None}
    if db.session.scalar(update(JoinRequest).where(*where).values(values).returning(JoinRequest.id)) is None:
        raise NotAllowedNow("decided")
    if standing is None:
        return None
    return invite(request.organisation, email=request.email, name=request.name, standing=standing, by=by, settings=settings)
