"""What leaves and what arrived: one's own choice of mails, and for animators the state of each mail of their territories."""

from dataclasses import replace

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.models import AddressStatus, AuditAction, MailStatus, ObjectionSource, OutboxMail, Role, Territory, User
from matchmaker.services import addresses, audit, mail_resending, mails
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import mail_words
from matchmaker.web.access import LARGEST_ID, animator_required, found, ours_required, signed_in
from matchmaker.web.audit import note
from matchmaker.web.forms import answer, clean
from matchmaker.web.settings import mail_settings
from matchmaker.web.unsubscribe import topics_form
from tasks.outbox import drain

bp = Blueprint("mails", __name__)
# Not a state: any mail that may have arrived twice.
TWICE = "deux"


@bp.route("/compte/courriels", methods=["GET", "POST"])
@ours_required
def mine() -> ResponseReturnValue:
    """What one's structure receives; of who speaks for none, oneself."""
    address = address_of(signed_in())
    form = topics_form(addresses.digest(address))
    if not address or not form.validate_on_submit():
        return answer("mails/mine.html", form, address=address, is_blocked=is_blocked(address))
    addresses.choose_topics(addresses.digest(address), form.wanted(), source=ObjectionSource.ACCOUNT)
    db.session.commit()
    flash("C’est noté. Cela vaut dès maintenant.", "success")
    return redirect(url_for("mails.mine"))


def address_of(user: User) -> str:
    return user.organisation.email if user.organisation else user.email


def is_blocked(address: str) -> bool:
    known = addresses.known(address)
    return known is not None and known.status is AddressStatus.BLOCKED


@bp.get("/courriels")
@animator_required
def all_mails() -> ResponseReturnValue:
    departements = mails.departements_of(signed_in())
    mine = mine_only(departements)
    filters, page = asked(mine), request.args.get("page", 1, type=int)
    statuses, twice = mails.counts(replace(filters, status=None, only_maybe_twice=False))
    return render_template(
        "mails/all.html",
        results=mails.search(filters, page=page),
        filters=filters,
        statuses=[(status, statuses.get(status, 0)) for status in MailStatus],
        twice=twice,
        epcis=mails.epcis([departement.id for departement in departements]),
        to_call=mails.to_call_count(mine),
        words=mail_words,
    )


def mine_only(departements: list[Territory]) -> mails.Filters:
    """The mails of the territories that one looks after; for the administration, all."""
    return mails.Filters(None if signed_in().role is Role.ADMIN else frozenset(departement.id for departement in departements))


def asked(mine: mails.Filters) -> mails.Filters:
    """The filters of the address; one that names nothing filters nothing."""
    state, kind = request.args.get("etat", ""), request.args.get("objet", "")
    return replace(
        mine,
        status=MailStatus(state) if state in set(MailStatus) else None,
        only_maybe_twice=state == TWICE,
        kind=kind if kind in mail_words.KINDS else "",
        epci=clean(request.args.get("epci"))[:9],
        text=clean(request.args.get("q"))[:100],
    )


@bp.get("/courriels/a-appeler")
@animator_required
def to_call() -> ResponseReturnValue:
    page = request.args.get("page", 1, type=int)
    results = mails.to_call(mine_only(mails.departements_of(signed_in())), page=page)
    return render_template("mails/to_call.html", results=results, words=mail_words)


@bp.get("/courriels/<int:mail_id>")
@animator_required
def show(mail_id: int) -> ResponseReturnValue:
    mail = mail_in_my_care(mail_id)
    thread = [other for other in mails.thread_of(mail) if other.id != mail.id]
    blocked = is_blocked(mail.recipient)
    return render_template(
        "mails/show.html", mail=mail, text=mails.text_of(mail), thread=thread, call=mails.call_of(mail), is_blocked=blocked, words=mail_words
    )


def mail_in_my_care(mail_id: int) -> OutboxMail:
    mail: OutboxMail = found(mails.mail(mail_id) if mail_id <= LARGEST_ID else None)
    return mail if signed_in().looks_after(mail.organisation.territory if mail.organisation else None) else abort(404)


@bp.post("/courriels/<int:mail_id>/renvoyer")
@animator_required
def resend(mail_id: int) -> ResponseReturnValue:
    mail = mail_in_my_care(mail_id)
    try:
        leaving = mail_resending.resend(mail, by=signed_in(), settings=mail_settings())
    except NotAllowedNow as refusal:
        db.session.rollback()
        flash(mail_words.REFUSALS[str(refusal)], "warn")
        return redirect(url_for("mails.show", mail_id=mail_id))
    note(AuditAction.MAIL_RESENT, mail, changes=audit.compared({"mails": mail.id}, {"mails": leaving.id}))
    db.session.commit()
    nudge(drain)
    once = " S’il arrive, l’agenda n’aura toujours qu’un seul rendez-vous." if leaving.kind.startswith("invitation") else ""
    flash(f"Il repart vers {leaving.recipient}.{once}", "success")
    return redirect(url_for("mails.show", mail_id=leaving.id))


@bp.post("/courriels/<int:mail_id>/adresse")
@animator_required
def reopen_address(mail_id: int) -> ResponseReturnValue:
    """Somebody asked: mails reach this address again."""
    mail = mail_in_my_care(mail_id)
    addresses.reopen(mail.recipient, by=signed_in())
    note(AuditAction.ADDRESS_REOPENED, mail)
    db.session.commit()
    flash("C’est noté. Les prochains courriels partiront vers cette adresse.", "success")
    return redirect(url_for("mails.show", mail_id=mail_id))


@bp.post("/courriels/<int:mail_id>/appel")
@animator_required
def finish_call(mail_id: int) -> ResponseReturnValue:
    mail = mail_in_my_care(mail_id)
    mails.finish_call(mail, by=signed_in())
    db.session.commit()
    flash("C’est noté. Merci de les avoir appelés.", "success")
    return redirect(url_for("mails.to_call"))
