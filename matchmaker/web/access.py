"""Who may see what. Every view carries exactly one of these marks: a test walks all routes and fails on a bare one.

Not signed in: to the login page. Signed in without the right role, or without the standing in one's structure that the act needs: 403.
Somebody else's object: 404, like an absent one.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from matchmaker.extensions import db
from matchmaker.models import JobDating, MatchingRun, Need, Offer, Organisation, Proposal, Role, Standing, Status, Territory, User, Venue
from matchmaker.services import declarations, job_datings, matching, proposal_lists, venues

# A larger number is none of the database's, which would fail on it instead of finding nothing.
LARGEST_ID = 2**31 - 1
# What changes nothing is a reader's to ask for.
READING = frozenset({"GET", "HEAD", "OPTIONS"})
TOO_LOW = {
    Standing.EDITOR: "Votre accès est en lecture\u00a0: vous voyez tout ce que voit votre structure. Pour y écrire, demandez-le à qui l’administre.",
    Standing.ADMINISTRATOR: "C’est l’affaire de qui administre votre structure. La page «\u00a0Notre équipe\u00a0» dit qui c’est.",
}
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def signed_in() -> User:
    """The account of this request. flask-login gives a proxy, which a relationship would store as the proxy."""
    user: User = current_user._get_current_object()
    return user


def is_signed_in() -> bool:
    return bool(current_user.is_authenticated)


def my_organisation() -> Organisation:
    """The organisation that a member or a host speaks for."""
    organisation = signed_in().organisation
    if organisation is None:
        abort(403)
    return organisation


def marked(view: View, access: str) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Anyone, signed in or not."""
    return marked(view, "public")


def by_token(view: View) -> View:
    """Whoever holds the link that a mail carried."""
    return marked(view, "token")


def demo_only(view: View) -> View:
    """Anyone, where the demonstration is on; absent elsewhere."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if not current_app.config["DEMO"]:
            abort(404)
        return view(*args, **kwargs)

    return marked(guarded, "demo")  # type: ignore[return-value]


def role_required(access: str, *roles: Role, reads: Standing = Standing.READER, writes: Standing = Standing.EDITOR) -> Callable[[View], View]:
    """Signed in with one of these roles; and who speaks for a structure, with this standing there to read or to write.

    An administrator of the site may do what an animator may.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            if not is_signed_in():
                flash("Connectez-vous pour continuer.", "message")
                after = request.full_path.rstrip("?") if request.method in READING else None
                return redirect(url_for("accounts.login", next=after))
            if signed_in().role not in roles:
                abort(403)
            needs(reads if request.method in READING else max(reads, writes, key=list(Standing).index))
            return view(*args, **kwargs)

        return marked(guarded, access)  # type: ignore[return-value]

    return decorate


def needs(standing: Standing) -> None:
    """Refuse, in words, who speaks for a structure without this standing there."""
    if not signed_in().stands(standing):
        abort(403, TOO_LOW[standing])


# One's own account: whatever one's standing, it is one's own.
signed_in_required = role_required("signed-in", *Role, writes=Standing.READER)
# What one's structure receives, or oneself who speaks for none: a reader reads how it is set.
ours_required = role_required("ours", *Role)
# The pages of one's structure: a reader reads them, an editor answers there.
member_required = role_required("member", Role.MEMBER, Role.HOST)
# Forms of one's structure, of which a reader could do nothing.
editor_required = role_required("editor", Role.MEMBER, Role.HOST, reads=Standing.EDITOR)
# A structure's sheet and rhythm: its editors, and who looks after it.
structure_required = role_required("structure", *Role, reads=Standing.EDITOR)
# Who belongs to a structure: its administrators, and who looks after it.
people_required = role_required("people", *Role, reads=Standing.ADMINISTRATOR)
host_required = role_required("host", Role.HOST, Role.ANIMATOR, Role.ADMIN)
animator_required = role_required("animator", Role.ANIMATOR, Role.ADMIN)
admin_required = role_required("admin", Role.ADMIN)


def found(row: Any) -> Any:
    """The row, or a page that says it is not there."""
    if row is None:
        abort(404)
    return row


def my_need(need_id: UUID) -> Need:
    need: Need = found(declarations.declaration(Need, need_id))
    return need if need.organisation_id == my_organisation().id else abort(404)


def my_offer(offer_id: UUID) -> Offer:
    offer: Offer = found(declarations.declaration(Offer, offer_id))
    return offer if offer.organisation_id == my_organisation().id else abort(404)


def need_in_sight(need_id: UUID) -> Need:
    """One's own need, or one of the territories that one looks after: who reads a run reads the announcements."""
    need: Need = found(declarations.declaration(Need, need_id))
    return need if in_sight(need) else abort(404)


def offer_in_sight(offer_id: UUID) -> Offer:
    offer: Offer = found(declarations.declaration(Offer, offer_id))
    return offer if in_sight(offer) else abort(404)


def in_sight(declaration: Need | Offer) -> bool:
    """A draft, and a succession in confidence, are their organisation's alone."""
    user = signed_in()
    is_told = declaration.status is not Status.DRAFT and not declaration.is_confidential
    return user.organisation_id == declaration.organisation_id or (is_told and user.looks_after(declaration.territory))


def my_proposal(proposal_id: UUID) -> Proposal:
    proposal: Proposal = found(proposal_lists.proposal_of(my_organisation(), proposal_id))
    return proposal


def organisation_in_my_hands(organisation_id: UUID) -> Organisation:
    """One's own organisation, or one of the territories that one looks after."""
    organisation: Organisation = found(db.session.get(Organisation, organisation_id))
    user = signed_in()
    return organisation if user.organisation_id == organisation.id or user.looks_after(organisation.territory) else abort(404)


def territory_in_my_care(territory_id: int) -> Territory:
    territory: Territory = found(db.session.get(Territory, territory_id) if territory_id <= LARGEST_ID else None)
    return territory if signed_in().looks_after(territory) else abort(404)


def run_in_my_care(run_id: UUID) -> MatchingRun:
    run: MatchingRun = found(matching.run(run_id))
    return run if signed_in().looks_after(run.territory) else abort(404)


def bare_run_in_my_care(run_id: UUID) -> MatchingRun:
    """The run without its matches, which are many: for pages that show a few of them."""
    run: MatchingRun = found(db.session.get(MatchingRun, run_id))
    return run if signed_in().looks_after(run.territory) else abort(404)


def holds(user: User, venue: Venue) -> bool:
    """Is this venue in this person's hands: its host, or who looks after its territory?"""
    return (user.role is Role.HOST and user.organisation_id == venue.organisation_id) or user.looks_after(venue.territory)


def venue_in_my_hands(venue_id: UUID) -> Venue:
    venue: Venue = found(venues.venue(venue_id))
    return venue if holds(signed_in(), venue) else abort(404)


def job_dating_in_my_hands(job_dating_id: UUID) -> JobDating:
    job_dating: JobDating = found(job_datings.job_dating(job_dating_id))
    return job_dating if holds(signed_in(), job_dating.venue) else abort(404)
