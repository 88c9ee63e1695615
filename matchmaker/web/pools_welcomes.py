"""What an employer group sees of a pool that asks to join it: the work and the places, no names before all are interested."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.models import PoolStatus, PoolWelcome, WelcomeStatus
from matchmaker.services import pools_warnings, pools_welcomes
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import pools_map, pools_words
from matchmaker.web.access import found, member_required, my_organisation
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("pools_welcomes", __name__)


def my_welcome(welcome_id: UUID) -> PoolWelcome:
    welcome: PoolWelcome = found(pools_welcomes.welcome_of(my_organisation(), welcome_id))
    return welcome


@bp.get("/emplois-partages/accueil/<uuid:welcome_id>")
@member_required
def show(welcome_id: UUID) -> ResponseReturnValue:
    welcome = my_welcome(welcome_id)
    pool = welcome.pool
    are_named = pool.are_names_told and welcome.status is WelcomeStatus.ACCEPTED
    names = pools_words.full_names(pool) if are_named else pools_words.hidden_names(pool, None)
    return render_template(
        "pools/welcome.html",
        welcome=welcome,
        pool=pool,
        are_named=are_named,
        names=names,
        words=pools_words,
        weeks=pools_words.weeks(pool, names=names),
        drawn=pools_map.map_of(pool, told=set(names) if are_named else set()),
        warnings=pools_warnings.warnings(pool),
        may_answer=pool.status in pools_welcomes.ASKED_IN,
        PoolStatus=PoolStatus,
        WelcomeStatus=WelcomeStatus,
    )


@bp.post("/emplois-partages/accueil/<uuid:welcome_id>/oui")
@member_required
def accept(welcome_id: UUID) -> ResponseReturnValue:
    return answer(welcome_id, WelcomeStatus.ACCEPTED, "Merci. Le groupe et l’animation de votre territoire le voient dès maintenant.")


@bp.post("/emplois-partages/accueil/<uuid:welcome_id>/non")
@member_required
def decline(welcome_id: UUID) -> ResponseReturnValue:
    return answer(welcome_id, WelcomeStatus.DECLINED, "C’est noté. Le groupe cherchera une autre solution.")


def answer(welcome_id: UUID, status: WelcomeStatus, done: str) -> ResponseReturnValue:
    try:
        pools_welcomes.answer(my_welcome(welcome_id), status, settings=mail_settings())
    except NotAllowedNow:
        db.session.rollback()
        flash("C’était déjà noté, ou le groupe a changé entre-temps.", "message")
        return redirect(url_for(".show", welcome_id=welcome_id))
    db.session.commit()
    nudge(drain)
    flash(done, "success")
    return redirect(url_for(".show", welcome_id=welcome_id))
