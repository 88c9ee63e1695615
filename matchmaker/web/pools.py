"""A shared job as one of its employers sees it: the group without names, the week, the answer."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.models import PoolShare, PoolStatus, ShareStatus, WelcomeStatus
from matchmaker.models.base import today
from matchmaker.services import pools, pools_days, pools_warnings, pools_welcomes
from matchmaker.services.errors import NotAllowedNow, NoWeek
from matchmaker.web import pools_map, pools_words
from matchmaker.web.access import found, member_required, my_organisation
from matchmaker.web.forms import bits, numbers
from matchmaker.web.pools_forms import OtherDaysForm
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("pools", __name__)


def my_share(pool_id: UUID) -> PoolShare:
    share: PoolShare = found(pools.share_of(my_organisation(), pool_id))
    return share


@bp.get("/emplois-partages")
@member_required
def mine() -> ResponseReturnValue:
    organisation = my_organisation()
    return render_template(
        "pools/mine.html",
        shares=pools.shares_of(organisation),
        welcomes=pools_welcomes.welcomes_of(organisation),
        ShareStatus=ShareStatus,
        WelcomeStatus=WelcomeStatus,
        words=pools_words,
    )


@bp.get("/emplois-partages/<uuid:pool_id>")
@member_required
def show(pool_id: UUID) -> ResponseReturnValue:
    share = my_share(pool_id)
    return page(share, OtherDaysForm(formdata=None, data={"halfdays": numbers(share.need.halfdays or share.halfdays)}))


def page(share: PoolShare, form: OtherDaysForm, *, status: int = 200) -> ResponseReturnValue:
    pool, has_left = share.pool, share.has_left
    names = pools_words.full_names(pool) if pool.are_names_told and not has_left else pools_words.hidden_names(pool, share)
    told = set(names) if pool.are_names_told else {share.need_id}
    return render_template(
        "pools/show.html",
        share=share,
        pool=pool,
        has_left=has_left,
        names=names,
        words=pools_words,
        weeks=pools_words.weeks(pool, names=names),
        warnings=pools_warnings.warnings(pool),
        drawn=pools_map.map_of(pool, told=told),
        nearest=pools.nearest_group(pool, pools.employer_groups()),
        PoolStatus=PoolStatus,
        ShareStatus=ShareStatus,
        form=form,
        is_parted=not has_left and pools.wants_to_part(pool, share),
        welcome_by=pools_words.answers_of(pool),
    ), status


@bp.post("/emplois-partages/<uuid:pool_id>/oui")
@member_required
def accept(pool_id: UUID) -> ResponseReturnValue:
    try:
        all_agree = pools.accept(my_share(pool_id), settings=mail_settings())
    except NotAllowedNow:
        return already_answered(pool_id)
    db.session.commit()
    nudge(drain)
    if all_agree:
        flash("Tout le groupe est intéressé. Voici avec qui en parler.", "yes")
    else:
        flash("Votre intérêt est noté. Nous vous prévenons quand tout le groupe a répondu.", "success")
    return redirect(url_for(".show", pool_id=pool_id))


@bp.post("/emplois-partages/<uuid:pool_id>/non")
@member_required
def decline(pool_id: UUID) -> ResponseReturnValue:
    try:
        pools.decline(my_share(pool_id))
    except NotAllowedNow:
        return already_answered(pool_id)
    db.session.commit()
    flash("Votre non est noté. Votre besoin reste publié et peut entrer dans un autre groupe.", "success")
    return redirect(url_for(".show", pool_id=pool_id))


@bp.post("/emplois-partages/<uuid:pool_id>/autres-jours")
@member_required
def other_days(pool_id: UUID) -> ResponseReturnValue:
    share, form = my_share(pool_id), OtherDaysForm()
    form.needed = share.halfdays.bit_count()
    if not form.validate():
        return page(share, form, status=422)
    try:
        moved = pools_days.propose_other_days(share, bits(form.halfdays.data), today=today(), settings=mail_settings())
    except NotAllowedNow:
        return already_answered(pool_id)
    except NoWeek as refusal:
        db.session.rollback()
        form.halfdays.errors = [pools_words.no_week_text(refusal.halfdays)]
        return page(my_share(pool_id), form, status=422)
    db.session.commit()
    nudge(drain)
    flash(pools_words.moved_text(len(moved)), "success")
    return redirect(url_for(".show", pool_id=pool_id))


def already_answered(pool_id: UUID) -> ResponseReturnValue:
    """A second click, or a group that went on meanwhile: change nothing, show where it stands."""
    db.session.rollback()
    flash("C’était déjà noté, ou le groupe a changé entre-temps. Rien n’a été envoyé.", "message")
    return redirect(url_for(".show", pool_id=pool_id))
