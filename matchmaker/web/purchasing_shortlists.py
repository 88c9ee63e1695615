"""A buyer's lists of suppliers: keep, note, take off and put back, print, take away as a file."""

from collections.abc import Iterable
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField

from matchmaker.extensions import db, limiter
from matchmaker.models import Offer, Organisation, Shortlist, ShortlistEntry
from matchmaker.models.purchasing import LONGEST_NAME, LONGEST_NOTE
from matchmaker.services import purchasing, purchasing_shortlists
from matchmaker.services.purchasing import Supplier
from matchmaker.services.purchasing_shortlists import NameTaken, TooMany
from matchmaker.services.territories import plain
from matchmaker.web import labels, limits, purchasing_words
from matchmaker.web.access import found, member_required, my_organisation, signed_in
from matchmaker.web.forms import Form, answer, at_most, clean, required
from matchmaker.web.observatory_files import XLSX, Value, download, workbook, written
from matchmaker.web.purchasing import FILTERS

bp = Blueprint("purchasing_shortlists", __name__)

FIRST_LIST = "Ma liste"
FULL = f"Rien n’a été gardé. Une liste tient {purchasing_shortlists.MOST_ENTRIES} structures, et une structure {purchasing_shortlists.MOST_LISTS} listes."
COLUMNS = ("structure", "sorte", "commune", "label", "taille", "cadres possibles", "offres", "volumes", "délais", "garanties", "note")


class ListForm(Form):
    name = StringField("Nom de la liste", [required("Donnez un nom à la liste."), at_most(LONGEST_NAME)])


class NoteForm(Form):
    note = TextAreaField("Votre note", [at_most(LONGEST_NOTE)])


def my_list(shortlist_id: UUID) -> Shortlist:
    shortlist: Shortlist = found(purchasing_shortlists.shortlist_of(my_organisation(), shortlist_id))
    return shortlist


def my_entry(entry_id: UUID) -> ShortlistEntry:
    entry: ShortlistEntry = found(purchasing_shortlists.entry_of(my_organisation(), entry_id))
    return entry


@bp.route("/achats/listes", methods=["GET", "POST"])
@member_required
def mine() -> ResponseReturnValue:
    form = ListForm()
    if form.validate_on_submit():
        try:
            shortlist = purchasing_shortlists.make(my_organisation(), form.name.data)
        except NameTaken:
            form.name.errors = ["Vous avez déjà une liste de ce nom."]
        except TooMany:
            form.name.errors = [f"Vous avez déjà {purchasing_shortlists.MOST_LISTS} listes\u00a0: supprimez-en une."]
        else:
            db.session.commit()
            return redirect(url_for(".show", shortlist_id=shortlist.id))
    lists = purchasing_shortlists.lists_of(my_organisation())
    return answer("purchasing/lists.html", form, lists=lists, counts=purchasing_shortlists.counts(lists))


@bp.post("/achats/garder")
@member_required
def keep() -> ResponseReturnValue:
    """From a page of suppliers: into the list that was chosen, or into a first one."""
    supplier = db.session.get(Organisation, read_id("structure"))
    if supplier is None or not purchasing.is_known_supplier(supplier):
        abort(422)
    try:
        shortlist = chosen_list()
        purchasing_shortlists.keep(shortlist, supplier, by=signed_in())
    except TooMany:
        db.session.rollback()
        flash(FULL, "warn")
        return redirect(way_back())
    db.session.commit()
    flash(f"C’est gardé. {supplier.name} est dans «\u00a0{shortlist.name}\u00a0».", "success")
    return redirect(way_back())


def read_id(name: str) -> UUID:
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        abort(422)


def chosen_list() -> Shortlist:
    if request.form.get("liste"):
        return my_list(read_id("liste"))
    lists = purchasing_shortlists.lists_of(my_organisation())
    return lists[0] if lists else purchasing_shortlists.make(my_organisation(), FIRST_LIST)


def way_back() -> str:
    """The search that the structure was found by: its filters only, never an address."""
    kept = {name: clean(request.form[name])[:100] for name in FILTERS if request.form.get(name)}
    return url_for("purchasing.suppliers", **kept) + f"#structure-{request.form.get('structure', '')[:36]}"


@bp.route("/achats/listes/<uuid:shortlist_id>", methods=["GET", "POST"])
@member_required
def show(shortlist_id: UUID) -> ResponseReturnValue:
    """The list, and its new name when one is sent."""
    shortlist = my_list(shortlist_id)
    form = ListForm(data={"name": shortlist.name})
    if form.validate_on_submit():
        try:
            purchasing_shortlists.rename(shortlist, form.name.data)
        except NameTaken:
            form.name.errors = ["Vous avez déjà une liste de ce nom."]
        else:
            db.session.commit()
            return redirect(url_for(".show", shortlist_id=shortlist_id))
    return page(shortlist, form)


def page(shortlist: Shortlist, form: ListForm, *, refused: NoteForm | None = None, refused_id: UUID | None = None) -> ResponseReturnValue:
    suppliers = suppliers_of(shortlist)
    met = purchasing.already_met(my_organisation(), [entry.supplier_id for entry in shortlist.kept])
    notes = {entry.id: NoteForm(formdata=None, data={"note": entry.note}, prefix=str(entry.id)) for entry in shortlist.kept}
    if refused is not None and refused_id is not None:
        notes[refused_id] = refused
    context = {"shortlist": shortlist, "suppliers": suppliers, "met": met, "notes": notes, "words": purchasing_words}
    status = 422 if form.is_submitted() or refused is not None else 200
    here = current_app.config["PUBLIC_URL"] + url_for(".show", shortlist_id=shortlist.id)
    return render_template("purchasing/list.html", form=form, here=here, **context), status


def suppliers_of(shortlist: Shortlist) -> dict[UUID, Supplier]:
    """Organisation id → what it offers now."""
    offers = purchasing.offers_of([entry.supplier_id for entry in shortlist.kept])
    return {entry.supplier_id: Supplier(entry.supplier, offers.get(entry.supplier_id, [])) for entry in shortlist.kept}


@bp.post("/achats/listes/<uuid:shortlist_id>/supprimer")
@member_required
def delete(shortlist_id: UUID) -> ResponseReturnValue:
    purchasing_shortlists.delete(my_list(shortlist_id))
    db.session.commit()
    flash("La liste est supprimée.", "success")
    return redirect(url_for(".mine"))


@bp.post("/achats/lignes/<uuid:entry_id>/note")
@member_required
def annotate(entry_id: UUID) -> ResponseReturnValue:
    entry, form = my_entry(entry_id), NoteForm(prefix=str(entry_id))
    if not form.validate_on_submit():
        shortlist = my_list(entry.shortlist_id)
        return page(shortlist, ListForm(formdata=None, data={"name": shortlist.name}), refused=form, refused_id=entry_id)
    purchasing_shortlists.annotate(entry, form.note.data)
    db.session.commit()
    flash("La note est enregistrée.", "success")
    return redirect(line_of(entry))


@bp.post("/achats/lignes/<uuid:entry_id>/retirer")
@member_required
def remove(entry_id: UUID) -> ResponseReturnValue:
    entry = my_entry(entry_id)
    purchasing_shortlists.remove(entry)
    db.session.commit()
    flash(f"{entry.supplier.name} n’est plus dans la liste. Vous pouvez l’y remettre, avec votre note, en bas de la page.", "success")
    return redirect(url_for(".show", shortlist_id=entry.shortlist_id))


@bp.post("/achats/lignes/<uuid:entry_id>/remettre")
@member_required
def put_back(entry_id: UUID) -> ResponseReturnValue:
    entry = my_entry(entry_id)
    purchasing_shortlists.put_back(entry)
    db.session.commit()
    flash(f"{entry.supplier.name} est de nouveau dans la liste.", "success")
    return redirect(line_of(entry))


def line_of(entry: ShortlistEntry) -> str:
    return url_for(".show", shortlist_id=entry.shortlist_id) + f"#structure-{entry.supplier_id}"


@bp.get("/achats/listes/<uuid:shortlist_id>/feuille")
@member_required
def sheet(shortlist_id: UUID) -> ResponseReturnValue:
    """One line a structure, with room to write."""
    shortlist = my_list(shortlist_id)
    return render_template("purchasing/sheet.html", shortlist=shortlist, suppliers=suppliers_of(shortlist), words=purchasing_words)


@bp.get("/achats/listes/<uuid:shortlist_id>/liste.csv")
@limiter.limit(limits.HEAVY, key_func=limits.own_account)
@member_required
def csv_file(shortlist_id: UUID) -> ResponseReturnValue:
    shortlist = my_list(shortlist_id)
    # With the mark by which spreadsheets know that accents are UTF-8.
    return download("\ufeff" + written(COLUMNS, rows(shortlist), delimiter=";"), "text/csv; charset=utf-8", f"{name_of(shortlist)}.csv")


@bp.get("/achats/listes/<uuid:shortlist_id>/liste.xlsx")
@limiter.limit(limits.HEAVY, key_func=limits.own_account)
@member_required
def xlsx_file(shortlist_id: UUID) -> ResponseReturnValue:
    shortlist = my_list(shortlist_id)
    return download(workbook(COLUMNS, rows(shortlist), "Structures"), XLSX, f"{name_of(shortlist)}.xlsx")


def name_of(shortlist: Shortlist) -> str:
    """The name of the list as a file may have it on any machine."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in plain(shortlist.name))
    return f"liste-{letters.strip('-')[:60]}" if letters.strip("-") else "liste"


def rows(shortlist: Shortlist) -> Iterable[list[Value]]:
    """What the page says of each structure, a line each."""
    suppliers = suppliers_of(shortlist)
    for entry in shortlist.kept:
        one, offers = entry.supplier, suppliers[entry.supplier_id].offers
        about = [value for _label, value in purchasing_words.structure_facts(suppliers[entry.supplier_id])]
        yield [
            one.name,
            labels.kind_of(one),
            one.commune.label,
            *about,
            together([offer.title for offer in offers]) or "plus rien de publié",
            *(together(told(offers, fact)) for fact in ("Volume", "Délai", "Garanti")),
            entry.note,
        ]


def told(offers: list[Offer], fact: str) -> list[str]:
    return [dict(purchasing_words.offer_facts(offer))[fact] for offer in offers]


def together(values: list[str]) -> str:
    return "\u00a0; ".join(values)


@bp.after_request
def set_headers(response: Response) -> Response:
    """What a buyer thinks of suppliers goes to no search engine and no cache."""
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
