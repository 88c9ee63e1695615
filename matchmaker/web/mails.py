"""What leaves and what arrived: one's own choice of mails, and for animators the state of each mail of their territories."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db
from matchmaker.models import AddressStatus, ObjectionSource, User
from matchmaker.services import addresses
from matchmaker.web.access import signed_in, signed_in_required
from matchmaker.web.forms import answer
from matchmaker.web.unsubscribe import topics_form

bp = Blueprint("mails", __name__)


@bp.route("/compte/courriels", methods=["GET", "POST"])
@signed_in_required
def mine() -> ResponseReturnValue:
    """What one's structure receives; of who speaks for none, oneself."""
    address = address_of(signed_in())
    form = topics_form(addresses.digest(address))
    if not address or not form.validate_on_submit():
        known = addresses.known(address)
        is_blocked = known is not None and known.status is AddressStatus.BLOCKED
        return answer("mails/mine.html", form, address=address, is_blocked=is_blocked)
    addresses.choose_topics(addresses.digest(address), form.wanted(), source=ObjectionSource.ACCOUNT)
    db.session.commit()
    flash("C’est noté. Cela vaut dès maintenant.", "success")
    return redirect(url_for("mails.mine"))


def address_of(user: User) -> str:
    return user.organisation.email if user.organisation else user.email
