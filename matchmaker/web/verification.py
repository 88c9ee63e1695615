"""The link that says that an address is its owner's. Opening it shows a button: programs that read mails open links too."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import TokenPurpose
from matchmaker.services import account_tokens, personal_data_erasing, verification
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web.access import by_token, is_signed_in, signed_in, signed_in_required
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form
from matchmaker.web.limits import own_account
from matchmaker.web.security import keep_to_itself
from matchmaker.web.settings import mail_settings

bp = Blueprint("verification", __name__)
keep_to_itself(bp, "confirm")
OVER = "Ce lien ne vaut plus\u00a0: il a servi, un plus récent l’a remplacé, ou ses deux jours sont passés. Demandez-en un autre depuis votre compte."


@bp.post("/compte/adresse")
@limiter.limit("20 per hour", key_func=own_account)
@signed_in_required
def ask() -> ResponseReturnValue:
    """Send the link once more. Too often, nothing leaves, and the page says the same."""
    verification.ask(signed_in(), settings=mail_settings())
    db.session.commit()
    flash("Un courriel part vers votre adresse. Son lien vaut deux jours\u00a0: le plus récent compte.", "success")
    return redirect(url_for("accounts.mine"))


@bp.route("/compte/adresse/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("60 per hour")
@by_token
def confirm(token: str) -> ResponseReturnValue:
    row = account_tokens.find(token, TokenPurpose.VERIFY)
    if row is None and not personal_data_erasing.is_spent(account_tokens.digest(token)):
        abort(404)
    if row is None or not account_tokens.is_good(row):
        return error_page(410, message=OVER)
    form = Form()
    if not form.validate_on_submit():
        return error_page(400, message=LATE_FORM) if form.is_submitted() else render_template("accounts/verify.html", form=form, account=row.user)
    try:
        verification.verify(row)
    except NotAllowedNow:
        db.session.rollback()
        return error_page(410, message=OVER)
    db.session.commit()
    flash("Votre adresse est vérifiée. Merci.", "success")
    return redirect(url_for("accounts.mine" if is_signed_in() else "accounts.login"))
