"""Inscribing a structure: its number, what it is, who you are; then the link of a mail. Two minutes, and nobody is needed."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import csrf, db, limiter, nudge
from matchmaker.models import AuditAction, Commune, JoinRequest, SignUp
from matchmaker.services import company_search, consents, organisations, sign_up
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web.access import by_token, public
from matchmaker.web.audit import note
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, NumberField, answer
from matchmaker.web.security import keep_to_itself
from matchmaker.web.sessions import enter
from matchmaker.web.settings import mail_settings
from matchmaker.web.sign_up_forms import NumberForm, PersonForm, StructureForm, first_values
from tasks.outbox import drain

bp = Blueprint("sign_up", __name__)
keep_to_itself(bp, "finish")
# What was told so far stands in the session's cookie, which nobody else can sign.
NUMBER, STRUCTURE = "sign_up_number", "sign_up_structure"
NOBODY = {"siret": None, "rna": None}
STEPS = ("Le numéro", "La structure", "Vous")
OVER = "Ce lien ne vaut plus\u00a0: il a servi, ou ses deux jours sont passés. Si vous avez déjà terminé, connectez-vous\u00a0; sinon, recommencez."


def was_sent(response: Response) -> bool:
    """Only what a mail left for counts: who corrects a form is never slowed down."""
    return response.status_code == 302


@bp.route("/inscription", methods=["GET", "POST"])
@limiter.limit("30 per hour", methods=["POST"])
@public
def start() -> ResponseReturnValue:
    form = NumberForm()
    if request.method == "POST" and request.form.get("action") == "none":
        session[NUMBER] = NOBODY
        return redirect(url_for(".structure"))
    if not form.validate_on_submit():
        return answer("sign_up/start.html", form, steps_names=STEPS)
    number = read(form.number)
    there = organisations.with_number(**number)
    if there is not None:
        return redirect(url_for("joining.ask", organisation_id=there.id))
    company = company_search.look_up(str(number["siret"] or number["rna"]), url=current_app.config["COMPANY_SEARCH_URL"])
    db.session.commit()
    if number["rna"] and company and (seat := organisations.with_number(siret=company.siret or None, rna=None)):
        return redirect(url_for("joining.ask", organisation_id=seat.id))
    session[NUMBER] = number
    return redirect(url_for(".structure"))


def read(field: NumberField) -> dict[str, str | None]:
    """The number in the form that the database holds. The field checked it."""
    siret, rna = field.columns["siret"], field.columns["rna"]
    return {"siret": organisations.read_siret(siret) if siret else None, "rna": organisations.read_rna(rna) if rna else None}


@bp.route("/inscription/structure", methods=["GET", "POST"])
@public
def structure() -> ResponseReturnValue:
    number: dict[str, Any] = session.get(NUMBER, NOBODY)
    asked = number["siret"] or number["rna"]
    company = company_search.known(asked)
    commune = db.session.get(Commune, company.commune_code) if company and company.commune_code else None
    form = StructureForm(data=first_values(company, commune.label if commune else ""))
    is_valid = form.validate_on_submit()
    seen = is_valid and not form.another.data
    numbers = {"siret": number["siret"], "rna": company.rna if company else None}
    twins = organisations.perhaps_same(form.organisation.data, form.commune.commune, **numbers) if seen else []
    if not is_valid or twins:
        if twins:
            form.another.errors = ["Une structure qui lui ressemble est déjà là. Est-ce la vôtre\u00a0?"]
        return answer(
            "sign_up/structure.html",
            form,
            steps_names=STEPS,
            number=asked,
            is_association=number["rna"] is not None,
            company=company,
            closed_on=date.fromisoformat(company.closed_on) if company and company.closed_on else None,
            twins=twins,
            is_unknown=company_search.is_unknown(asked),
            is_silent=bool(asked and company is None and current_app.config["COMPANY_SEARCH_URL"]),
        )
    # An association that gave its RNA number has a SIRET too, when the directory knows it.
    session[STRUCTURE] = form.told(number | ({"siret": company.standing_siret or None} if number["rna"] and company else {}))
    return redirect(url_for(".person"))


@bp.route("/inscription/vous", methods=["GET", "POST"])
@limiter.limit("2 per hour; 5 per day", methods=["POST"], deduct_when=was_sent)
@public
def person() -> ResponseReturnValue:
    told = session.get(STRUCTURE)
    if told is None:
        return redirect(url_for(".start"))
    form = PersonForm(told["name"])
    if not form.validate_on_submit():
        return answer("sign_up/person.html", form, steps_names=STEPS, told=told)
    structure = told | {"monthly_budget": int(form.monthly_budget.data)}
    sign_up.begin(email=form.email.data, name=form.name.data, password=form.password.data, structure=structure, settings=mail_settings())
    db.session.commit()
    nudge(drain)
    for key in (NUMBER, STRUCTURE):
        session.pop(key, None)
    return redirect(url_for(".sent"))


@bp.get("/inscription/envoye")
@public
def sent() -> ResponseReturnValue:
    return render_template("sign_up/sent.html")


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/inscription/fin/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("60 per hour")
@by_token
def finish(token: str) -> ResponseReturnValue:
    """The link of the mail. Opening it shows a button: programs that read mails open links too."""
    row = sign_up.find(token) or abort(404)
    if not sign_up.is_good(row):
        return error_page(410, message=OVER)
    form = Form()
    if not form.validate_on_submit():
        return error_page(400, message=LATE_FORM) if form.is_submitted() else render_template("sign_up/finish.html", form=form, row=row)
    return record(row)


def record(row: SignUp) -> ResponseReturnValue:
    try:
        made = sign_up.finish(row, settings=mail_settings())
    except NotAllowedNow:
        db.session.rollback()
        return error_page(410, message=OVER)
    if isinstance(made, JoinRequest):
        db.session.commit()
        return redirect(url_for("joining.asked"))
    consents.accept(made)
    note(AuditAction.ACCOUNT_OPENED, made, by=made)
    db.session.commit()
    enter(made)
    flash("Bienvenue. Dites maintenant ce que vous cherchez, ou ce que vous pouvez offrir.", "success")
    return redirect(url_for("declarations.mine"))
