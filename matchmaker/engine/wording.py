"""French words as numbers: folding, light stemming, tables of words, likeness of texts."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_WORD = re.compile(r"[a-z0-9]+")
_CHUNK = 200_000

STOP_WORDS = frozenset({
    "a", "afin", "ai", "ainsi", "alors", "apres", "au", "aucun", "aussi", "autre", "autres", "aux", "avant", "avec", "avoir", "c", "car", "ce",
    "cela", "celle", "ces", "cet", "cette", "chaque", "chez", "comme", "d", "dans", "de", "depuis", "des", "deux", "dont", "du", "elle", "elles",
    "en", "encore", "entre", "est", "et", "etre", "eux", "fait", "faire", "il", "ils", "j", "je", "l", "la", "le", "les", "leur", "leurs", "lors",
    "lui", "m", "ma", "mais", "me", "meme", "mes", "moins", "mon", "n", "ne", "nos", "notre", "nous", "on", "ont", "ou", "par", "pas", "pendant",
    "plus", "plusieurs", "pour", "qu", "quand", "que", "quel", "quelle", "quelles", "quels", "qui", "s", "sa", "sans", "se", "selon", "ses", "si",
    "soit", "son", "sont", "sous", "sur", "t", "ta", "te", "tes", "toi", "ton", "tous", "tout", "toute", "toutes", "tres", "tu", "un", "une", "vers",
    "vos", "votre", "vous", "y",
})  # fmt: skip
# Longest first. Inflections and the commonest derivations only: « recruter, recrutement, recruteurs » meet, little else does.
_SUFFIXES = (
    "issements", "issement", "ations", "atrice", "ateurs", "ateur", "ation", "ements", "ement", "euses", "euse", "eurs", "eur", "ments", "ment",
    "iers", "iere", "ieres", "ier", "ants", "ante", "antes", "ant", "ables", "able", "ives", "ive", "ifs", "if", "elles", "elle", "els", "el",
    "ales", "ale", "aux", "al", "ees", "es", "ee", "er", "ez", "s", "e", "x",
)  # fmt: skip
_BY_LENGTH = sorted(_SUFFIXES, key=len, reverse=True)


def fold(text: str) -> str:
    """Lower case, without accents, ligatures spelt out, blanks at the ends removed.

    Examples
    --------
    >>> fold(" Maîtrise d’Œuvre ")
    'maitrise d’oeuvre'
    """
    spelt = text.lower().replace("œ", "oe").replace("æ", "ae")
    return "".join(letter for letter in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(letter)).strip()


def stem(word: str) -> str:
    """Cut a common French ending off a folded word, when at least four letters stay.

    Examples
    --------
    >>> [stem(word) for word in ("recruter", "recrutement", "recruteurs", "bois")]
    ['recrut', 'recrut', 'recrut', 'bois']
    """
    for suffix in _BY_LENGTH:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)]
    return word


def stems(text: str) -> list[str]:
    """The stems of a text, in order, without stop words.

    Examples
    --------
    >>> stems("Des réparations pour l’atelier de vélos")
    ['repar', 'atel', 'velo']
    """
    return [stem(word) for word in _WORD.findall(fold(text)) if word not in STOP_WORDS]


@dataclass(frozen=True)
class WordTable:
    """Rows of words as a sparse 0/1 matrix over a vocabulary; `sizes` counts also words outside the vocabulary."""

    matrix: csr_array[np.float64]
    vocabulary: dict[str, int]
    sizes: NDArray[np.int64]


def word_table(rows: Sequence[frozenset[str]], vocabulary: dict[str, int] | None = None) -> WordTable:
    """Build a table, over a given vocabulary or over the words of the rows."""
    words = vocabulary if vocabulary is not None else {word: k for k, word in enumerate(sorted(frozenset().union(*rows)))}
    cells = [sorted(words[word] for word in row if word in words) for row in rows]
    return WordTable(_sparse(cells, [[1.0] * len(cell) for cell in cells], len(words)), words, np.array([len(row) for row in rows], dtype=np.int64))


def shared_words(left: WordTable, right: WordTable, left_rows: NDArray[np.int32], right_rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """(E,) number of words in common of each pair of rows; both tables are over one vocabulary."""
    return _row_products(left.matrix, right.matrix, left_rows, right_rows)


def cosine(left: Sequence[str], right: Sequence[str], left_rows: NDArray[np.int32], right_rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """(E,) TF-IDF cosine of each pair of texts, nan where a text has no word.

    Examples
    --------
    >>> rows = np.array([0, 0, 0], dtype=np.int32)
    >>> cosine(["réparer des vélos"], ["réparation de vélo", "cuisine", ""], rows, np.array([0, 1, 2], dtype=np.int32)).round(3).tolist()
    [1.0, 0.0, nan]
    """
    counts = [Counter(stems(text)) for text in (*left, *right)]
    documents = Counter(word for count in counts for word in count)
    words = {word: k for k, word in enumerate(sorted(documents))}
    rarity = {word: float(np.log((1 + len(counts)) / (1 + many)) + 1) for word, many in documents.items()}
    cells, values = [], []
    for count in counts:
        ordered = sorted(count)
        weight = np.array([(1 + np.log(count[word])) * rarity[word] for word in ordered])
        cells.append([words[word] for word in ordered])
        values.append((weight / max(float(np.sqrt((weight**2).sum())), 1e-12)).tolist())
    known = np.array([bool(cell) for cell in cells], dtype=np.bool_)
    cut = len(left)
    product = _row_products(_sparse(cells[:cut], values[:cut], len(words)), _sparse(cells[cut:], values[cut:], len(words)), left_rows, right_rows)
    return np.where(known[:cut][left_rows] & known[cut:][right_rows], np.clip(product, 0.0, 1.0), np.nan)


def _sparse(cells: Sequence[Sequence[int]], values: Sequence[Sequence[float]], width: int) -> csr_array[np.float64]:
    starts = np.concatenate(([0], np.cumsum([len(cell) for cell in cells], dtype=np.int64))).astype(np.int64)
    columns = np.array([column for cell in cells for column in cell], dtype=np.int64)
    data = np.array([value for row in values for value in row], dtype=np.float64)
    return csr_array((data, columns, starts), shape=(len(cells), max(width, 1)))


def _row_products(
    left: csr_array[np.float64], right: csr_array[np.float64], left_rows: NDArray[np.int32], right_rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Products of pairs of rows, by chunks: only the pairs asked for, never all of them."""
    product = np.zeros(len(left_rows))
    for start in range(0, len(left_rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        product[part] = np.asarray(left[left_rows[part]].multiply(right[right_rows[part]]).sum(axis=1)).ravel()
    return product
