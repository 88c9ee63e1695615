"""What the page of a structure says of it beside its own words: its labels, and how fresh they are."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from matchmaker.models import EssLabel, Need, Offer, Organisation, Trait
from matchmaker.models.base import PARIS
from matchmaker.web import formats, labels

# After so long without a change, and with nothing published, the reader is told to be careful.
OLD = timedelta(days=365)


def labels_of(organisation: Organisation, traits: Collection[Trait]) -> list[tuple[str, str]]:
    """Icon and words of what distinguishes it."""
    found = []
    if organisation.is_ess or organisation.ess_label is not EssLabel.DECLARED:
        icon = "info-circle" if organisation.ess_label is EssLabel.DECLARED else "patch-check"
        found.append((icon, labels.label(organisation.ess_label)))
    if Trait.CLAUSE in traits:
        found.append(("bag-check", "Ses heures peuvent compter pour une clause sociale"))
    if Trait.THIRD_PLACE in traits:
        found.append(("door-open", "Tiers-lieu"))
    if Trait.ACCESSIBLE in traits:
        found.append(("universal-access", "Accessible en fauteuil roulant"))
    return found


def freshness(organisation: Organisation, said: Sequence[Need | Offer], *, today: date) -> str:
    """When its page last changed, and when it last published something."""
    changed = organisation.updated_at.astimezone(PARIS).date()
    words = f"Fiche mise à jour le {formats.short_date(changed)} {changed.year}."
    if said:
        return f"{words} Dernière annonce le {formats.short_date(max(one.published_on for one in said))}."
    if changed + OLD < today:
        return f"{words} C’est ancien\u00a0: vérifiez avant de vous y fier."
    return words
