"""Badges to cut out, eight on a sheet: the structure's name, a line for the person's, and the code that checks in."""

from collections.abc import Callable

from matchmaker.models import JobDating, Participant
from matchmaker.services import participant_links, territories
from matchmaker.web import formats
from matchmaker.web.papers_canvas import INK, RULE, SOFT, Sheets

COLUMNS, ROWS = 2, 4
WIDTH, HEIGHT = 90.0, 62.0
LEFT, TOP = (210 - COLUMNS * WIDTH) / 2, (297 - ROWS * HEIGHT) / 2
MARK, CODE, NAME = 5.0, 30.0, 9.0


def badge_pages(sheets: Sheets, job_dating: JobDating, address: Callable[[Participant], str]) -> None:
    """One badge for each person that a structure sends, by name; marks outside say where to cut."""
    ordered = sorted(job_dating.expected, key=lambda participant: (territories.fold(participant.organisation.name), participant.id))
    people = [(participant, number) for participant in ordered for number in range(1, participant.delegates + 1)]
    for start in range(0, len(people), COLUMNS * ROWS):
        sheets.add_page(orientation="portrait", format="A4")
        cut_marks(sheets)
        for place, (participant, number) in enumerate(people[start : start + COLUMNS * ROWS]):
            row, column = divmod(place, COLUMNS)
            badge(sheets, LEFT + column * WIDTH, TOP + row * HEIGHT, job_dating, participant, number, address(participant))


def cut_marks(sheets: Sheets) -> None:
    """Short lines at the edges of the sheet, and crosses between the badges."""
    sheets.set_draw_color(*INK)
    sheets.set_line_width(0.15)
    right, bottom = LEFT + COLUMNS * WIDTH, TOP + ROWS * HEIGHT
    for column in range(COLUMNS + 1):
        x = LEFT + column * WIDTH
        sheets.line(x, TOP - 2 - MARK, x, TOP - 2)
        sheets.line(x, bottom + 2, x, bottom + 2 + MARK)
    for row in range(ROWS + 1):
        y = TOP + row * HEIGHT
        sheets.line(LEFT - 2 - MARK, y, LEFT - 2, y)
        sheets.line(right + 2, y, right + 2 + MARK, y)
    for row in range(1, ROWS):
        for column in range(1, COLUMNS):
            x, y = LEFT + column * WIDTH, TOP + row * HEIGHT
            sheets.line(x - 2, y, x + 2, y)
            sheets.line(x, y - 2, x, y + 2)


def badge(sheets: Sheets, x: float, y: float, job_dating: JobDating, participant: Participant, number: int, address: str) -> None:
    organisation, inner = participant.organisation, 5.0
    width = WIDTH - 2 * inner
    sheets.write_text(x + inner, y + 4, job_dating.title, width=width, size=sheets.fitting(job_dating.title, width, 4.5, (9, 8, 7, 6)), colour=SOFT)
    # The name ends above the code, whose white margin must stay white.
    code_top = HEIGHT - inner - CODE - 2
    size = sheets.fitting(organisation.name, width, code_top - NAME, (20, 18, 16, 14, 12, 10, 8, 6.5), bold=True)
    sheets.write_text(x + inner, y + NAME, organisation.name, width=width, size=size, bold=True)
    sheets.code(x + WIDTH - inner - CODE + 2, y + code_top, CODE, address)
    # For the desk, where a telephone reads no code.
    code = participant_links.code_of(participant)
    sheets.write_text(x + WIDTH - inner - CODE + 2, y + HEIGHT - inner - 3, code, width=CODE, size=9, align="C")
    left = width - CODE
    sheets.rule(x + inner, y + HEIGHT - 20, left, thick=0.25, colour=RULE)
    sheets.write_text(x + inner, y + HEIGHT - 19, "prénom et nom", width=left, size=7, colour=SOFT)
    town = organisation.commune.name
    sheets.write_text(x + inner, y + HEIGHT - 14, town, width=left, size=sheets.fitting(town, left, 5, (10, 9, 8, 7, 6)))
    day = formats.short_date(job_dating.starts_at)
    which = f"{day}, personne {number} sur {participant.delegates}" if participant.delegates > 1 else day
    sheets.write_text(x + inner, y + HEIGHT - 9, which, width=left, size=8, colour=SOFT)
