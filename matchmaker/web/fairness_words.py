"""The fairness figures of a run as people read them: a label, the figure with what it is out of, and what it means in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchmaker.web import formats


@dataclass(frozen=True)
class Line:
    """One figure. ``value`` and ``maximum`` are for a bar, where it is a share."""

    label: str
    figure: str
    meaning: str
    value: int | None = None
    maximum: int | None = None


def lines(fairness: Mapping[str, Any]) -> list[Line]:
    """The figures in the order in which they are read; none for a run that was computed before they were kept."""
    if not fairness:
        return []
    small = share(fairness, "small", "unsized")
    return [
        of(fairness, "needs", "Besoins servis", "Besoins qui ont au moins une offre, sur ceux qui avaient une place libre."),
        of(fairness, "organisations", "Structures servies", "Structures qui ont au moins un partenaire, sur celles qui ont un besoin dans ce calcul."),
        of(fairness, "small", "Petites structures servies", f"Celles de moins de dix salariés.{small}"),
        of(fairness, "new", "Nouvelles venues servies", "Inscrites depuis 90 jours au plus, ou à qui rien n’avait encore été proposé."),
        Line(
            "Partenaires par structure",
            f"{number(fairness['partners_least'])} au moins, {number(fairness['partners_median'])} pour celle du milieu",
            "Autant de structures en ont plus que celle du milieu, autant en ont moins. Celles qui n’en ont aucun comptent aussi.",
        ),
        Line(
            "Inégalité entre structures",
            number(fairness["partners_gini"], 2),
            "L’indice de Gini\u00a0: 0 si toutes les structures ont autant de partenaires, 1 si une seule les a tous.",
        ),
    ]


def of(fairness: Mapping[str, Any], name: str, label: str, meaning: str) -> Line:
    asked, served = fairness[f"{name}_asked"], fairness[f"{name}_served"]
    return Line(label, out_of(served, asked), meaning, served, asked)


def out_of(part: int, whole: int) -> str:
    """« 41 sur 52 »; « aucune » of none."""
    return f"{formats.number(part)} sur {formats.number(whole)}" if whole else "aucune"


def share(fairness: Mapping[str, Any], name: str, unknown: str) -> str:
    """What part of those served they are, beside what part of those that asked."""
    asked, served = (fairness[f"organisations_{side}"] - fairness[f"{unknown}_{side}"] for side in ("asked", "served"))
    if not asked or not served:
        return ""
    parts = [formats.number(100 * fairness[f"{name}_{side}"] / whole) + f"{formats.NBSP}%" for side, whole in (("served", served), ("asked", asked))]
    silent = fairness[f"{unknown}_asked"]
    left = f" {formats.plural(silent, 'structure ne dit pas sa taille', 'structures ne disent pas leur taille')}." if silent else ""
    return f" Elles font {parts[0]} des structures servies et {parts[1]} de celles qui demandent.{left}"


def number(value: float | None, decimals: int = 0) -> str:
    """A figure, with a decimal only where it has one."""
    if value is None:
        return "sans objet"
    return formats.number(value, decimals if decimals else (0 if value == int(value) else 1))
