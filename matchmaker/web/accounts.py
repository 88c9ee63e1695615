"""Signing in and out, signing up, one's own account; the administrator's list of accounts."""

from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import EqualTo, Length

from matchmaker.extensions import db, limiter, login_manager
from matchmaker.models import Family, Role, User
from matchmaker.services import accounts, organisations
from matchmaker.services.errors import EmailTaken, SiretTaken
from matchmaker.web import labels
from matchmaker.web.access import admin_required, is_signed_in, public, signed_in, signed_in_required
from matchmaker.web.forms import CommuneField, Form, NumberField, answer, at_most, full_address, required

bp = Blueprint("accounts", __name__)


class LoginForm(Form):
    email = StringField("Adresse électronique", [required("Écrivez votre adresse électronique.")])
    password = PasswordField("Mot de passe", [required("Écrivez votre mot de passe.")])


class SignUpForm(Form):
    organisation = StringField("Nom de votre structure", [required("Dites-nous comment s’appelle votre structure."), at_most(200)])
    number = NumberField("SIRET ou numéro RNA")
    family = RadioField("Votre structure est…", [required("Choisissez ce qui s’en approche le plus.")], choices=labels.choices(Family), validate_choice=True)
    commune = CommuneField("Votre commune", [required("Où êtes-vous\u00a0? Le nom ou le code postal.")])
    name = StringField("Votre nom", [required("Écrivez votre nom."), at_most(120)])
    email = StringField("Votre adresse électronique", [required("Écrivez votre adresse."), full_address])
    password = PasswordField(
        "Choisissez un mot de passe",
        [required("Choisissez un mot de passe."), Length(12, 128, "Douze caractères au moins. Une phrase fait un bon mot de passe.")],
    )
    again = PasswordField("Le même, encore une fois", [EqualTo("password", "Les deux ne sont pas pareils.")])
    monthly_budget = RadioField(
        "Combien de fois par mois peut-on vous solliciter\u00a0?",
        choices={"2": "2 fois", "4": "4 fois", "6": "6 fois", "10": "10 fois"},
        default="6",
    )
    terms = BooleanField("J’accepte que ma structure et ses annonces soient montrées aux autres structures", [required("Cochez pour continuer.")])


@bp.route("/connexion", methods=["GET", "POST"])
@limiter.limit("30 per 15 minutes", methods=["POST"])
@public
def login() -> ResponseReturnValue:
    if is_signed_in():
        return redirect(home_of(signed_in()))
    form = LoginForm()
    if not form.validate_on_submit():
        return answer("accounts/login.html", form)
    user = accounts.sign_in(email=form.email.data, password=form.password.data, allow_demo=current_app.config["DEMO"])
    if user is None:
        form.password.errors = ["L’adresse ou le mot de passe n’est pas le bon."]
        return answer("accounts/login.html", form)
    db.session.commit()
    session.clear()
    login_user(user)
    session.permanent = True
    return redirect(own_path(request.args.get("next")) or home_of(user))


def own_path(target: str | None) -> str | None:
    """A path of this site, or nothing: never a way to somebody else's."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target or any(ord(letter) < 32 for letter in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def home_of(user: User) -> str:
    """Where each role starts."""
    places = {Role.MEMBER: "proposals.inbox", Role.HOST: "job_datings.mine", Role.ANIMATOR: "matching.runs", Role.ADMIN: "accounts.all_accounts"}
    return url_for(places[user.role])


@bp.post("/deconnexion")
@signed_in_required
def logout() -> ResponseReturnValue:
    logout_user()
    session.clear()
    flash("Vous êtes déconnecté. À bientôt.", "message")
    return redirect(url_for("pages.home"))


@bp.route("/inscription", methods=["GET", "POST"])
@limiter.limit("20 per hour", methods=["POST"])
@public
def sign_up() -> ResponseReturnValue:
    form = SignUpForm()
    if not form.validate_on_submit():
        return answer("accounts/sign_up.html", form)
    try:
        user = register(form)
    except SiretTaken:
        form.number.errors = ["Cette structure est déjà inscrite. Demandez à un collègue, ou à votre contact, de vous y ajouter."]
        return answer("accounts/sign_up.html", form)
    except EmailTaken:
        form.email.errors = ["Cette adresse a déjà un compte. Connectez-vous plutôt."]
        return answer("accounts/sign_up.html", form)
    db.session.commit()
    session.clear()
    login_user(user)
    flash("Bienvenue. Dites maintenant ce que vous cherchez, ou ce que vous pouvez offrir.", "success")
    return redirect(url_for("declarations.mine"))


def register(form: SignUpForm) -> User:
    """The organisation and its first account, together or not at all: the caller commits."""
    organisation = organisations.create_organisation(
        name=form.organisation.data,
        family=Family(form.family.data),
        commune=form.commune.commune,
        email=form.email.data.lower(),
        monthly_budget=int(form.monthly_budget.data),
        **form.number.columns,
    )
    return accounts.create_account(email=form.email.data, password=form.password.data, name=form.name.data, organisation=organisation)


@bp.get("/compte")
@signed_in_required
def mine() -> ResponseReturnValue:
    return render_template("accounts/mine.html", user=signed_in())


class RoleForm(Form):
    role = SelectField("Rôle", choices=labels.choices(Role))


@bp.get("/comptes")
@admin_required
def all_accounts() -> ResponseReturnValue:
    return render_template("accounts/all.html", accounts=accounts.accounts(), form=RoleForm())


@bp.post("/comptes/<uuid:user_id>/role")
@admin_required
def change_role(user_id: UUID) -> ResponseReturnValue:
    form, user = RoleForm(), db.session.get(User, user_id)
    if user is None:
        abort(404)
    if not form.validate_on_submit():
        abort(400)
    if user.id == signed_in().id or (Role(form.role.data) in (Role.MEMBER, Role.HOST) and user.organisation_id is None):
        abort(409)
    user.role = Role(form.role.data)
    db.session.commit()
    flash(f"Rôle changé\u00a0: {user.email} est maintenant «\u00a0{labels.label(user.role)}\u00a0».", "success")
    return redirect(url_for("accounts.all_accounts"))


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    try:
        user = accounts.account(UUID(user_id))
    except ValueError:
        return None
    # A demo account opens nowhere but in the demonstration, even with a cookie from it.
    return None if user is not None and user.is_demo and not current_app.config["DEMO"] else user
