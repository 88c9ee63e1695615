"""Why a run gave a need this offer and not that one, for animators: a page a need, a page an offer, and what would serve who has nobody."""

from uuid import UUID

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.models import MatchingRun, Need, Offer
from matchmaker.services import matching_changes, matching_explanations
from matchmaker.services.matching_instances import Instance
from matchmaker.web import explanation_words, reasons
from matchmaker.web.access import animator_required, bare_run_in_my_care
from matchmaker.web.forms import clean

bp = Blueprint("matching_explanations", __name__)


def opened(run_id: UUID) -> tuple[MatchingRun, Instance]:
    """A run in one's care that has an answer, with what it was computed from."""
    run = bare_run_in_my_care(run_id)
    instance = matching_explanations.instance_of(run)
    return (run, instance) if instance is not None else abort(404)


def row_in(ids: list[UUID], row_id: UUID) -> int:
    row = matching_explanations.row_of(ids, row_id)
    return row if row is not None else abort(404)


def declaration_of(model: type[Need] | type[Offer], row_id: UUID) -> Need | Offer:
    return matching_explanations.by_id(model, {row_id}).get(row_id) or abort(404)


@bp.get("/calculs/<uuid:run_id>/besoins/<uuid:need_id>")
@animator_required
def need(run_id: UUID, need_id: UUID) -> ResponseReturnValue:
    run, instance = opened(run_id)
    row = row_in(instance.need_ids, need_id)
    declaration = declaration_of(Need, need_id)
    text = clean(request.args.get("q"))[:100]
    asked = asked_offer(instance)
    return render_template(
        "matching/explanation_need.html",
        run=run,
        need=declaration,
        told=matching_explanations.explain_need(run, instance, row),
        text=text,
        found=matching_explanations.find_offers(instance, declaration, text),
        why_not=None if asked is None else matching_explanations.explain_pair(run, instance, row, asked),
        reasons=reasons,
        words=explanation_words,
    )


def asked_offer(instance: Instance) -> int | None:
    """Row of the offer of which the page is asked « why not this one? »."""
    try:
        offer_id = UUID(request.args.get("offre", ""))
    except ValueError:
        return None
    return matching_explanations.row_of(instance.offer_ids, offer_id)


@bp.get("/calculs/<uuid:run_id>/besoins/<uuid:need_id>/changements")
@animator_required
def remedies(run_id: UUID, need_id: UUID) -> ResponseReturnValue:
    """What would serve a need without an offer. It solves again many times, so that it is a page of its own, brought into the other one."""
    run, instance = opened(run_id)
    found = matching_changes.remedies(run, instance, row_in(instance.need_ids, need_id))
    declaration = declaration_of(Need, need_id)
    changes = [one for one in found.changes if explanation_words.is_tellable(one, declaration)]
    return render_template("matching/explanation_remedies.html", run=run, need=declaration, changes=changes, nearest=found.nearest, words=explanation_words)


@bp.get("/calculs/<uuid:run_id>/offres/<uuid:offer_id>")
@animator_required
def offer(run_id: UUID, offer_id: UUID) -> ResponseReturnValue:
    run, instance = opened(run_id)
    row = row_in(instance.offer_ids, offer_id)
    return render_template(
        "matching/explanation_offer.html",
        run=run,
        offer=declaration_of(Offer, offer_id),
        told=matching_explanations.explain_offer(run, instance, row),
        reasons=reasons,
        words=explanation_words,
    )
