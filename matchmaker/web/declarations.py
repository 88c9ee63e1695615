"""Needs and offers of one's organisation: choosing a category, answering the questions, reading again, publishing."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.models import Category, DeclarationDraft, Eligibility, Need, Offer, Side, Status
from matchmaker.models.base import today
from matchmaker.services import declarations, drafts, matching, proposal_ends, territories
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web.access import (
    editor_required,
    member_required,
    my_need,
    my_offer,
    my_organisation,
    need_in_sight,
    offer_in_sight,
    signed_in,
    signed_in_required,
)
from matchmaker.web.declaration_fields import DeclarationForm
from matchmaker.web.declaration_forms import columns, form_for
from matchmaker.web.declaration_guides import GUIDES, questions
from matchmaker.web.declaration_reach import reach_around, reach_of
from matchmaker.web.declarations_waiting import why_waiting
from matchmaker.web.forms import answer
from matchmaker.web.settings import mail_settings
from tasks.matching import run_due
from tasks.outbox import drain

bp = Blueprint("declarations", __name__)


@dataclass(frozen=True)
class Kind:
    """What differs between the pages of a need and those of an offer."""

    is_need: bool
    show: str
    edit: str
    new: str
    declare: Any
    mine: Any
    key: str

    @property
    def side(self) -> Side:
        return Side.NEED if self.is_need else Side.OFFER


NEED = Kind(True, "declarations.show_need", "declarations.edit_need", "declarations.new_need", declarations.declare_need, my_need, "need_id")
OFFER = Kind(False, "declarations.show_offer", "declarations.edit_offer", "declarations.new_offer", declarations.declare_offer, my_offer, "offer_id")


def kind_of(declaration: Need | Offer) -> Kind:
    return NEED if isinstance(declaration, Need) else OFFER


def page_of(declaration: Need | Offer) -> str:
    kind = kind_of(declaration)
    return url_for(kind.show, **{kind.key: declaration.id})


@bp.get("/annonces")
@member_required
def mine() -> ResponseReturnValue:
    needs, offers = declarations.declarations_of(my_organisation())
    begun = [(draft, url_for((NEED if draft.side is Side.NEED else OFFER).new, category=draft.category)) for draft in drafts.drafts_of(my_organisation())]
    return render_template("declarations/mine.html", needs=needs, offers=offers, begun=begun, page_of=page_of)


@bp.get("/besoins/nouveau")
@editor_required
def choose_need() -> ResponseReturnValue:
    return render_template("declarations/choose.html", kind=NEED, guides=GUIDES)


@bp.get("/offres/nouvelle")
@editor_required
def choose_offer() -> ResponseReturnValue:
    return render_template("declarations/choose.html", kind=OFFER, guides=GUIDES)


@bp.route("/besoins/nouveau/<category>", methods=["GET", "POST"])
@editor_required
def new_need(category: str) -> ResponseReturnValue:
    return new(NEED, category)


@bp.route("/offres/nouvelle/<category>", methods=["GET", "POST"])
@editor_required
def new_offer(category: str) -> ResponseReturnValue:
    return new(OFFER, category)


def new(kind: Kind, code: str) -> ResponseReturnValue:
    """Ask, then keep what was said as a draft."""
    category, organisation = category_of(code), my_organisation()
    if kind.is_need and category is Category.SKILLS_SPONSORSHIP and organisation.eligibility is Eligibility.NO:
        return render_template("declarations/not_eligible.html")
    draft = drafts.draft_of(organisation, kind.side, category)
    form = filled_form(kind, category, draft=draft)
    if not form.validate_on_submit():
        return ask(form, kind, category, draft=draft)
    declaration = kind.declare(organisation, category=category, **columns(form, GUIDES[category], areas_by_code()))
    drafts.discard(organisation, kind.side, category)
    db.session.commit()
    return redirect(page_of(declaration))


def ask(
    form: DeclarationForm, kind: Kind, category: Category, declaration: Need | Offer | None = None, draft: DeclarationDraft | None = None
) -> ResponseReturnValue:
    return answer(
        "declarations/edit.html",
        form,
        kind=kind,
        category=category,
        guide=GUIDES[category],
        questions=questions(form, is_need=kind.is_need),
        declaration=declaration,
        draft=draft,
        reach=reach_of(form, my_organisation(), category=category, is_need=kind.is_need),
    )


def category_of(code: str) -> Category:
    return Category(code) if code in set(Category) else abort(404)


def areas_by_code() -> dict[str, Any]:
    return {territory.code: territory for territory in territories.all_departements()}


def filled_form(kind: Kind, category: Category, declaration: Need | Offer | None = None, draft: DeclarationDraft | None = None) -> DeclarationForm:
    choices = {territory.code: territory.name for territory in territories.all_departements()}
    begun = draft.answers if draft is not None and request.method != "POST" else None
    return form_for(category, my_organisation(), is_need=kind.is_need, area_choices=choices, declaration=declaration, begun=begun)


@bp.get("/besoins/<uuid:need_id>")
@signed_in_required
def show_need(need_id: UUID) -> ResponseReturnValue:
    return show(need_in_sight(need_id))


@bp.get("/offres/<uuid:offer_id>")
@signed_in_required
def show_offer(offer_id: UUID) -> ResponseReturnValue:
    return show(offer_in_sight(offer_id))


def show(declaration: Need | Offer) -> ResponseReturnValue:
    kind, guide = kind_of(declaration), GUIDES[declaration.category]
    is_mine, waiting = declaration.organisation_id == signed_in().organisation_id, proposal_ends.open_questions(declaration)
    return render_template(
        "declarations/show.html",
        declaration=declaration,
        kind=kind,
        guide=guide,
        details=details_of(declaration),
        is_mine=is_mine,
        waiting=waiting,
        why_waiting=why_waiting(declaration) if is_mine and not waiting else "",
        reach=reach_around(declaration) if is_mine and declaration.status is Status.DRAFT else None,
        Status=Status,
    )


def details_of(declaration: Need | Offer) -> list[tuple[str, str]]:
    """The fields of the category, as question and answer in the words of its form."""
    form = GUIDES[declaration.category].form(data=declaration.details, meta={"csrf": False})
    told = []
    for name in GUIDES[declaration.category].details:
        value = declaration.details.get(name)
        if value:
            words = getattr(form[name], "choices", None) or {}
            values = value if isinstance(value, list) else [value]
            told.append((form[name].label.text, ", ".join(str(words.get(item, item)) for item in values)))
    return told


@bp.route("/besoins/<uuid:need_id>/modifier", methods=["GET", "POST"])
@editor_required
def edit_need(need_id: UUID) -> ResponseReturnValue:
    return edit(my_need(need_id))


@bp.route("/offres/<uuid:offer_id>/modifier", methods=["GET", "POST"])
@editor_required
def edit_offer(offer_id: UUID) -> ResponseReturnValue:
    return edit(my_offer(offer_id))


def edit(declaration: Need | Offer) -> ResponseReturnValue:
    kind, category = kind_of(declaration), declaration.category
    form = filled_form(kind, category, declaration)
    if not form.validate_on_submit():
        return ask(form, kind, category, declaration)
    declarations.revise(declaration, **columns(form, GUIDES[category], areas_by_code()))
    if declaration.is_open:
        matching.wish_for_a_run(declaration.territory)
    db.session.commit()
    nudge(run_due)
    flash("C’est enregistré.", "success")
    return redirect(page_of(declaration))


@bp.post("/besoins/<uuid:need_id>/publier")
@member_required
def publish_need(need_id: UUID) -> ResponseReturnValue:
    return publish(my_need(need_id))


@bp.post("/offres/<uuid:offer_id>/publier")
@member_required
def publish_offer(offer_id: UUID) -> ResponseReturnValue:
    return publish(my_offer(offer_id))


def publish(declaration: Need | Offer) -> ResponseReturnValue:
    try:
        declarations.publish(declaration, today=today())
    except NotAllowedNow:
        abort(409)
    matching.wish_for_a_run(declaration.territory)
    db.session.commit()
    nudge(run_due)
    words = "Votre besoin est publié" if isinstance(declaration, Need) else "Votre offre est publiée"
    flash(f"{words}. Nous cherchons maintenant\u00a0; l’animation de votre territoire relit avant tout envoi.", "success")
    return redirect(page_of(declaration))


@bp.post("/besoins/<uuid:need_id>/supprimer")
@member_required
def delete_need(need_id: UUID) -> ResponseReturnValue:
    return delete(my_need(need_id))


@bp.post("/offres/<uuid:offer_id>/supprimer")
@member_required
def delete_offer(offer_id: UUID) -> ResponseReturnValue:
    return delete(my_offer(offer_id))


def delete(declaration: Need | Offer) -> ResponseReturnValue:
    """Only a draft goes: what was published is part of the history of others."""
    try:
        declarations.delete_draft(declaration)
    except NotAllowedNow:
        abort(409)
    db.session.commit()
    flash("Le brouillon est supprimé.", "success")
    return redirect(url_for("declarations.mine"))


@bp.post("/besoins/<uuid:need_id>/pause")
@member_required
def pause_need(need_id: UUID) -> ResponseReturnValue:
    return leave(my_need(need_id), Status.PAUSED)


@bp.post("/offres/<uuid:offer_id>/pause")
@member_required
def pause_offer(offer_id: UUID) -> ResponseReturnValue:
    return leave(my_offer(offer_id), Status.PAUSED)


@bp.post("/besoins/<uuid:need_id>/fermer")
@member_required
def close_need(need_id: UUID) -> ResponseReturnValue:
    return leave(my_need(need_id), Status.CLOSED)


@bp.post("/offres/<uuid:offer_id>/fermer")
@member_required
def close_offer(offer_id: UUID) -> ResponseReturnValue:
    return leave(my_offer(offer_id), Status.CLOSED)


def leave(declaration: Need | Offer, status: Status) -> ResponseReturnValue:
    """Pause or close: its open questions are withdrawn."""
    try:
        declarations.change_status(declaration, status)
    except NotAllowedNow:
        abort(409)
    ended = proposal_ends.end_of_declaration(declaration, settings=mail_settings())
    db.session.commit()
    nudge(drain)
    done = "L’annonce est en pause" if status is Status.PAUSED else "L’annonce est fermée"
    flash(f"{done}. " + (f"Propositions en cours retirées\u00a0: {ended}." if ended else "Vous pouvez la publier de nouveau quand vous voulez."), "success")
    return redirect(page_of(declaration))
