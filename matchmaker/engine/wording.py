"""French words as numbers: folding, light stemming, tables of words, likeness of texts."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

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
    return text.lower().translate(_FOLDED).strip()


class _Folded(dict[int, str]):
    """Letter → the letters that it folds to, found on first sight."""

    def __missing__(self, letter: int) -> str:
        spelt = {"œ": "oe", "æ": "ae"}.get(chr(letter), chr(letter))
        self[letter] = "".join(part for part in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(part))
        return self[letter]


_FOLDED = _Folded()


@lru_cache(maxsize=100_000)
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
    return cosine_of(*weighed(left, right), left_rows, right_rows)


def cosine_of(left: csr_array[np.float64], right: csr_array[np.float64], left_rows: NDArray[np.int32], right_rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """As `cosine`, of texts that were weighed before."""
    known = (np.diff(left.indptr) > 0)[left_rows] & (np.diff(right.indptr) > 0)[right_rows]
    return np.where(known, np.clip(_row_products(left, right, left_rows, right_rows), 0.0, 1.0), np.nan)


def weighed(left: Sequence[str], right: Sequence[str]) -> tuple[csr_array[np.float64], csr_array[np.float64]]:
    """Texts as rows of length 1 over the stems of all of them: (1 + log of how often) × rarity; empty where a text has no word."""
    texts = [stems(text) for text in (*left, *right)]
    words = {word: k for k, word in enumerate(sorted(set(chain.from_iterable(texts))))}
    width, row_of = max(len(words), 1), np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    column_of = np.fromiter((words[word] for text in texts for word in text), dtype=np.int64, count=len(row_of))
    cells, times = np.unique(row_of * width + column_of, return_counts=True)
    row, column = cells // width, cells % width
    rarity = np.log((1 + len(texts)) / (1 + np.bincount(column, minlength=width))) + 1
    weight = (1 + np.log(times)) * rarity[column]
    length = np.sqrt(np.bincount(row, weight * weight, minlength=len(texts)))
    starts = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=len(texts)))))
    # In 2**20ths, sums of products are exact: the likeness of two texts does not depend on the order in which words are read.
    values = np.rint(weight / np.maximum(length[row], 1e-12) * 2**20) / 2**20
    table = csr_array((values, column, starts), shape=(len(texts), width))
    return table[: len(left)], table[len(left) :]


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
