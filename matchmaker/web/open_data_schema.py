"""The open files: their columns in words, and the same as Table Schema."""

from dataclasses import dataclass, field
from typing import Any

SPECIFICATION = "https://specs.frictionlessdata.io/schemas/table-schema.json"
LICENCE = {"name": "etalab-2.0", "title": "Licence Ouverte 2.0", "path": "https://www.etalab.gouv.fr/licence-ouverte-open-licence"}


@dataclass(frozen=True)
class Column:
    """A column as Table Schema tells it."""

    name: str
    type: str
    description: str
    example: str
    constraints: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()

    def schema(self) -> dict[str, Any]:
        """Table Schema: fields, primary key, foreign keys."""
        told: dict[str, Any] = {
            "$schema": SPECIFICATION,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "fields": [
                {"name": one.name, "type": one.type, "description": one.description, "example": one.example, "constraints": one.constraints}
                for one in self.columns
            ],
            "missingValues": [""],
            "primaryKey": list(self.key),
        }
        if self.links:
            told["foreignKeys"] = [{"fields": column, "reference": {"resource": other, "fields": column}} for column, other in self.links]
        return told


REQUIRED = {"required": True}
CODE = {"required": True, "pattern": "(region|departement|epci)-[0-9AB]{2,9}"}
KEY = {"required": True, "pattern": "[a-z0-9_]+"}

FIGURES = File(
    "indicateurs",
    "Indicateurs par mois et par territoire",
    "Les indicateurs de l’observatoire pour chaque mois fini, relevés à la fin du mois. Ce qui vaut zéro n’a pas de ligne. "
    "Les nombres de 1 à 4, et ceux qui permettraient de les retrouver, ne sont pas publiés.",
    (
        Column("mois", "yearmonth", "Mois des faits comptés.", "2026-10", REQUIRED),
        Column("territoire", "string", "Code du territoire, voir territoires.csv.", "departement-61", CODE),
        Column("indicateur", "string", "Code de l’indicateur, voir definitions.csv.", "answered", KEY),
        Column(
            "statut",
            "string",
            "publie, ou non_publie quand le chiffre est caché.",
            "publie",
            {"required": True, "enum": ["publie", "non_publie"]},
        ),
        Column("chiffre", "number", "Le chiffre tel qu’il se lit\u00a0: un pourcentage pour une part.", "71.5"),
        Column("numerateur", "number", "Le numérateur d’une part ou d’un rapport\u00a0; le chiffre lui-même sinon.", "34", {"minimum": 0}),
        Column("denominateur", "number", "Ce sur quoi il est compté, quand il y a lieu.", "48", {"minimum": 0}),
        Column("reconstitue", "boolean", "Vrai si le mois a été compté après coup, d’après les dates des faits.", "false", REQUIRED),
    ),
    ("mois", "territoire", "indicateur"),
    (("territoire", "territoires"), ("indicateur", "definitions")),
)
PLACES = File(
    "territoires",
    "Territoires",
    "Les régions, les départements et les intercommunalités de l’observatoire.",
    (
        Column("territoire", "string", "Code du territoire dans ces fichiers.", "departement-61", {**CODE, "unique": True}),
        Column("niveau", "string", "Niveau du territoire.", "departement", {"required": True, "enum": ["region", "departement", "epci"]}),
        Column("code", "string", "Code officiel géographique, ou SIREN de l’intercommunalité.", "61", {"required": True, "pattern": "[0-9AB]{2,9}"}),
        Column("nom", "string", "Nom.", "Orne", REQUIRED),
        Column("dans", "string", "Code du territoire qui le contient.", "region-28", {"pattern": CODE["pattern"]}),
    ),
    ("territoire",),
)
DEFINITIONS = File(
    "definitions",
    "Définitions des indicateurs",
    "Ce que chaque indicateur compte, et sur quoi.",
    (
        Column("indicateur", "string", "Code de l’indicateur.", "answered", {**KEY, "unique": True}),
        Column("numero", "integer", "Numéro dans la liste des 24 indicateurs.", "4", {"required": True, "minimum": 1, "maximum": 24}),
        Column("nom", "string", "Nom.", "Taux de réponse", REQUIRED),
        Column("genre", "string", "Somme, part, rapport ou mesure.", "part", {"required": True, "enum": ["somme", "part", "rapport", "mesure"]}),
        Column("unite", "string", "Unité du chiffre.", "%"),
        Column("definition", "string", "Ce que compte le numérateur.", "Propositions de la période qui ont reçu un oui ou un non.", REQUIRED),
        Column("denominateur", "string", "Ce que compte le dénominateur.", "propositions envoyées"),
    ),
    ("indicateur",),
)
FILES = {one.name: one for one in (FIGURES, PLACES, DEFINITIONS)}


def package(public_url: str) -> dict[str, Any]:
    """All files as one data package."""
    return {
        "profile": "tabular-data-package",
        "name": "la-croisee-observatoire",
        "title": "Observatoire de La Croisée",
        "licenses": [LICENCE],
        "resources": [
            {
                "profile": "tabular-data-resource",
                "name": one.name,
                "title": one.title,
                "path": f"{public_url}/donnees/{one.name}.csv",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": f"{public_url}/donnees/{one.name}.schema.json",
            }
            for one in FILES.values()
        ],
    }
