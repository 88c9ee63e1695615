"""Structures that are perhaps in the directory twice: an animator compares them, merges them, or says that they are two."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db
from matchmaker.models import AuditAction, Organisation
from matchmaker.services import duplicates
from matchmaker.services.duplicates import Bond, CannotMerge
from matchmaker.web.access import animator_required, organisation_in_my_hands, signed_in
from matchmaker.web.audit import note
from matchmaker.web.errors import error_page
from matchmaker.web.sessions import recently_confirmed

bp = Blueprint("duplicates", __name__)
BONDS = {
    Bond.MATCHED: "Elles ont été proposées l’une à l’autre\u00a0: répondez d’abord à cette proposition, ou retirez-la.",
    Bond.SHARED_JOB: "Elles sont ensemble dans un emploi partagé\u00a0: défaites d’abord ce groupe.",
    Bond.INVITED: "Elles sont invitées au même job dating\u00a0: retirez d’abord l’une des deux.",
    Bond.DRAFT: "Chacune a commencé une annonce de la même sorte\u00a0: que l’une des deux la termine ou l’efface d’abord.",
    Bond.OTHER: "Elles ont quelque chose en commun qu’une seule structure ne peut avoir, ou l’une d’elles vient de disparaître. Rien n’a été changé.",
}
# Tables whose rows people know by name, in their words.
HELD = {
    "user_account": ("compte", "comptes"),
    "need": ("besoin", "besoins"),
    "offer": ("offre", "offres"),
    "proposal": ("proposition", "propositions"),
    "invitation": ("invitation", "invitations"),
    "venue": ("lieu", "lieux"),
    "outbox_mail": ("courriel", "courriels"),
}


@bp.get("/doublons")
@animator_required
def index() -> ResponseReturnValue:
    return render_template("duplicates/index.html", pairs=duplicates.pairs(signed_in()))


def both(organisation_id: UUID, other_structure_id: UUID) -> tuple[Organisation, Organisation]:
    """Two structures of the territories that one looks after."""
    return organisation_in_my_hands(organisation_id), organisation_in_my_hands(other_structure_id)


@bp.get("/doublons/<uuid:organisation_id>/<uuid:other_structure_id>")
@animator_required
def compare(organisation_id: UUID, other_structure_id: UUID) -> ResponseReturnValue:
    two = both(organisation_id, other_structure_id)
    return render_template("duplicates/compare.html", two=two, held=[words_of(duplicates.holdings(one)) for one in two])


def words_of(holdings: dict[str, int]) -> list[tuple[int, str, str]]:
    return [(holdings[table], *words) for table, words in HELD.items() if table in holdings]


@bp.post("/doublons/<uuid:organisation_id>/<uuid:other_structure_id>/reunir")
@animator_required
@recently_confirmed("duplicates.compare")
def merge(organisation_id: UUID, other_structure_id: UUID) -> ResponseReturnValue:
    """The first one stays, and all that is of the second one is its own from now on."""
    kept, gone = both(organisation_id, other_structure_id)
    name = gone.name
    try:
        merged = duplicates.merge(kept, gone, by=signed_in())
    except CannotMerge as refusal:
        return error_page(409, message=BONDS[refusal.bond])
    note(AuditAction.ORGANISATIONS_MERGED, kept, changes={"merged": [str(merged.old_id), str(merged.kept_id)]})
    db.session.commit()
    flash(f"C’est une seule structure. Tout ce qui était à {name} est là, et ses anciens liens mènent ici.", "success")
    return redirect(url_for("organisations.show", organisation_id=organisation_id))


@bp.post("/doublons/<uuid:organisation_id>/<uuid:other_structure_id>/distinctes")
@animator_required
def tell_apart(organisation_id: UUID, other_structure_id: UUID) -> ResponseReturnValue:
    one, other = both(organisation_id, other_structure_id)
    if one.id != other.id:
        duplicates.tell_apart(one, other, by=signed_in())
        db.session.commit()
    flash("C’est noté\u00a0: ce sont deux structures. Elles ne vous seront plus montrées ensemble.", "success")
    return redirect(url_for(".index"))
