"""Names of communes in a sentence: « à Flers », « au Havre », « d’Alençon », « des Andelys »."""

# « de » loses its vowel before these. An h keeps it: « de Honfleur », « de Houlgate », « de Harfleur ».
VOWELS = frozenset("aâàeéèêëiîïoôœuûyAÂÀEÉÈÊËIÎÏOÔŒUÛY")


def of_place(name: str) -> str:
    """« de » before a name, as it is said.

    >>> of_place("Flers"), of_place("Alençon"), of_place("Le Havre"), of_place("Les Andelys"), of_place("L’Aigle"), of_place("Honfleur")
    ('de Flers', 'd’Alençon', 'du Havre', 'des Andelys', 'de L’Aigle', 'de Honfleur')
    """
    article, _, rest = name.partition(" ")
    if article in ("Le", "Les"):
        return f"{'du' if article == 'Le' else 'des'} {rest}"
    return f"d’{name}" if name[:1] in VOWELS else f"de {name}"


def at_place(name: str) -> str:
    """« à » before a name, as it is said.

    >>> at_place("Flers"), at_place("Le Havre"), at_place("Les Andelys"), at_place("La Ferté-Macé")
    ('à Flers', 'au Havre', 'aux Andelys', 'à La Ferté-Macé')
    """
    article, _, rest = name.partition(" ")
    return f"{'au' if article == 'Le' else 'aux'} {rest}" if article in ("Le", "Les") else f"à {name}"
