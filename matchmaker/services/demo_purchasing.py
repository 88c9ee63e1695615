"""Responsible purchasing in the demonstration: an open search with an answer given together, another that waits for a yes, a list that a buyer keeps."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Frame, GroupAnswer, Liability, Need, Offer, Organisation, SupplierSearch, User
from matchmaker.models.base import PARIS
from matchmaker.services import outbox, purchasing_groups, purchasing_searches, purchasing_shortlists
from matchmaker.services.demo_cast import moment

# The needs that are open to all, by their mark; how many days are left; the frame.
DEPOT, COMPUTERS = ("B5", 24, Frame.OPEN), ("19", 17, Frame.CLAUSE)
QUESTION = "Le talus au bord de la route se tond-il à pied, ou une machine peut-elle passer ?"
REPLY = "À pied sur trente mètres, la machine passe partout ailleurs. On peut venir voir le mardi et le jeudi."
TOGETHER = (
    "Deux équipes se partagent le site. Fauche tardive du talus et taille des haies d’un côté, entretien courant du parking et des massifs de "
    "l’autre. Un passage toutes les deux semaines d’avril à novembre, sans pesticides, avec un seul interlocuteur pour vous."
)
RECYCLED = "Enlèvement et effacement certifié des 200 postes, puis réemploi des bureaux et des chaises dans le même voyage."
LIST = "Espaces verts du dépôt"
NOTES = {"Douvelle": "Ont déjà travaillé pour la laiterie. Demander un passage d’essai.", "Ateliers Noisillon": ""}


def load(cast: Mapping[str, Organisation], samples: Mapping[str, Need | Offer], *, today: date, settings: outbox.MailSettings) -> None:
    """Who keeps, asks and answers: the demonstration's two members are on both sides."""
    depot = opened(samples, *DEPOT, today=today)
    asked = purchasing_searches.ask(depot, spaced(QUESTION), by=cast["Bâti Merisol"], settings=settings)
    if asked is not None:
        purchasing_searches.reply(asked, REPLY, settings=settings)
        asked.asked_at, asked.answered_at = moment(today, 5, 10), moment(today, 4, 15)
    green = answer(depot, cast["Douvelle"], TOGETHER, cast["Ateliers Noisillon"], "Parking et massifs, toutes les deux semaines", 40, settings=settings)
    member = next(one for one in green.members if one.organisation_id != green.lead_id)
    purchasing_groups.accept(member, terms=green.terms, comment="D’accord, à partir d’avril.", settings=settings)
    purchasing_groups.hand_in(green, settings=settings)
    green.handed_in_at = moment(today, 2, 11)

    computers = opened(samples, *COMPUTERS, today=today)
    # Its yes is the demonstration's visitor's to give.
    answer(computers, cast["Numérique Galet"], RECYCLED, cast["Tournebride"], "Réemploi des bureaux et des chaises", 30, settings=settings)
    keep_list(cast)


def opened(samples: Mapping[str, Need | Offer], mark: str, days: int, frame: Frame, *, today: date) -> SupplierSearch:
    need = samples[mark]
    if not isinstance(need, Need):
        raise TypeError(mark)
    closes_at = datetime.combine(today + timedelta(days=days), time(18), PARIS)
    search = purchasing_searches.open_search(need, frame=frame, closes_at=closes_at)
    search.created_at = moment(today, 7)
    return search


def answer(
    search: SupplierSearch, lead: Organisation, summary: str, partner: Organisation, part: str, share: int, *, settings: outbox.MailSettings
) -> GroupAnswer:
    """Composed by its lead, with one structure that is invited."""
    group = purchasing_groups.begin(search, lead)
    purchasing_groups.invite(group, partner, part=part, share=share, settings=settings)
    mine = purchasing_groups.lead_of(group)
    purchasing_groups.set_terms(
        group,
        summary=summary,
        contact=f"{lead.name}, {lead.phone}",
        liability=Liability.JOINT,
        parts={mine.id: ("Le reste, et la coordination", mine.share)},
        settings=settings,
    )
    return group


def keep_list(cast: Mapping[str, Organisation]) -> None:
    buyer = cast["Transports Vélaure"]
    person = db.session.scalars(select(User).where(User.organisation_id == buyer.id)).one()
    shortlist = purchasing_shortlists.make(buyer, LIST)
    for name, note in NOTES.items():
        purchasing_shortlists.annotate(purchasing_shortlists.keep(shortlist, cast[name], by=person), note)


def spaced(text: str) -> str:
    return text.replace(" ?", "\u00a0?")
