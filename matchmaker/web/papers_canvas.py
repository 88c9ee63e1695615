"""Sheets of paper: pages, text that wraps and is never cut, whatever a name is written in, and codes for telephones."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

import segno
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.prefs import ViewerPreferences

from config import ROOT

FONTS = ROOT / "matchmaker" / "static" / "vendor" / "dejavu"
FONT = "dejavu"
# Height of a line, in heights of its letters; and of a point, in millimetres.
LEADING, POINT = 1.18, 25.4 / 72
INK, SOFT, RULE = (23, 38, 44), (70, 88, 96), (190, 194, 182)
NEED, OFFER = (52, 86, 155), (74, 106, 26)
STITCH = 2.4
UNKNOWN = "\u25a1"
# Stands for a no-break space while the others are put right; no name holds it.
GLUE = "\ue000"
# French punctuation never stands alone at an end of a line, even where it was typed with an ordinary space.
GLUED = re.compile("(?<=«) | (?=[»:;?!](?: |$))")
INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufe0e\ufe0f\u00ad")


@cache
def drawable() -> frozenset[int]:
    """The characters that the font can draw."""
    with TTFont(FONTS / "DejaVuSansCondensed-Bold.ttf") as font:
        return frozenset(font.getBestCmap())


def readable(text: str) -> str:
    """The text with characters of the font alone: a box for a letter that it has not, nothing for a picture or a mark that nobody sees."""
    kept = []
    for letter in text:
        if letter in INVISIBLE or ord(letter) >= 0x1F000:
            continue
        is_drawn = ord(letter) in drawable() and letter.isprintable()
        kept.append(GLUE if letter == "\u00a0" else " " if letter.isspace() else letter if is_drawn else UNKNOWN)
    return GLUED.sub("\u00a0", " ".join("".join(kept).split())).replace(GLUE, "\u00a0") or UNKNOWN


def in_order(line: str) -> str:
    """The letters from left to right as they are printed: Hebrew and Arabic turned round."""
    return line if line.isascii() else BidiParagraph(text=line).get_reordered_string()


class Sheets(FPDF):
    """A document in French, black and white on purpose: colours say nothing that words do not."""

    def __init__(self, title: str, *, at: datetime, landscape: bool = False, size: str = "A4") -> None:
        super().__init__(orientation="landscape" if landscape else "portrait", unit="mm", format=size)
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.c_margin = 0
        self.add_font(FONT, "", FONTS / "DejaVuSansCondensed.ttf")
        self.add_font(FONT, "B", FONTS / "DejaVuSansCondensed-Bold.ttf")
        self.set_lang("fr")
        self.set_title(title)
        self.set_creator("La Croisée")
        self.set_creation_date(at)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)

    def leaf(self, *, landscape: bool = False, size: str = "A4", margin: float = 14) -> None:
        """A page that opens with the two threads, the need's and the offer's."""
        self.add_page(orientation="landscape" if landscape else "portrait", format=size)
        half = (self.w - 2 * margin) / 2
        self.band(margin, margin - 6, half, NEED)
        self.band(margin + half, margin - 6, half, OFFER)

    def band(self, x: float, y: float, width: float, colour: tuple[int, int, int], height: float = STITCH) -> None:
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def rule(self, x: float, y: float, width: float, *, thick: float = 0.2, colour: tuple[int, int, int] = RULE) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(thick)
        self.line(x, y, x + width, y)

    def lines(self, text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
        """The text in lines of this width; a word that is wider is broken where it must be."""
        self.set_font(FONT, "B" if bold else "", size)
        found, line = [], ""
        for word in readable(text).split(" "):
            longer = f"{line} {word}" if line else word
            if self.get_string_width(longer) <= width:
                line = longer
                continue
            if line:
                found.append(line)
            while self.get_string_width(word) > width and len(word) > 1:
                fitting = next(count for count in range(len(word) - 1, 0, -1) if count == 1 or self.get_string_width(word[:count]) <= width)
                found.append(word[:fitting])
                word = word[fitting:]
            line = word
        return [*found, line]

    def height(self, text: str, width: float, size: float, *, bold: bool = False) -> float:
        return len(self.lines(text, width, size, bold=bold)) * size * POINT * LEADING

    def fitting(self, text: str, width: float, height: float, sizes: Sequence[float], *, bold: bool = False) -> float:
        """The largest of these sizes at which the text fits into the box and no word is broken; else at which it fits; else the smallest."""
        longest = max(readable(text).split(" "), key=len)
        fits = [size for size in sizes if self.height(text, width, size, bold=bold) <= height]
        whole = [size for size in fits if len(self.lines(longest, width, size, bold=bold)) == 1]
        return (whole or fits or [sizes[-1]])[0]

    def write_text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        width: float,
        size: float,
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
        align: str = "L",
    ) -> float:
        """Write from this corner on, and return where the next text begins."""
        for line in self.lines(text, width, size, bold=bold):
            self.set_text_color(*colour)
            printed = in_order(line)
            free = width - self.get_string_width(printed)
            self.text(x + {"L": 0.0, "C": free / 2, "R": free}[align], y + size * POINT, printed)
            y += size * POINT * LEADING
        return y

    def code(self, x: float, y: float, side: float, address: str) -> None:
        """A QR code with its quiet zone, in a square of this side."""
        picture = BytesIO()
        segno.make(address, error="m", micro=False).save(picture, kind="png", scale=8, border=4)
        self.image(picture, x, y, side, side, alt_text="Code à lire avec un téléphone : le programme de cette structure")

    def finished(self) -> bytes:
        """The file. Nothing is written on it any more."""
        written = bytes(self.output())
        self.let_go()
        return written

    def let_go(self) -> None:
        """Close the files of the fonts, which the library keeps open."""
        for font in self.fonts.values():
            font.ttfont.close()


def footer(sheets: Sheets, text: str, margin: float, **style: Any) -> None:
    """One line at the foot of a page."""
    sheets.write_text(margin, sheets.h - margin, text, width=sheets.w - 2 * margin, size=9, colour=SOFT, **style)
