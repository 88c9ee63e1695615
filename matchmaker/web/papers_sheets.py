"""The sheets of a job dating: one for each structure, one for each table, and the plan on the wall."""

from datetime import datetime

from matchmaker.models import JobDating, Table
from matchmaker.services import papers
from matchmaker.web import formats
from matchmaker.web.papers_canvas import INK, LEADING, NEED, OFFER, POINT, SOFT, Sheets, footer

MARGIN = 14.0
CONFIDENTIAL = "Entretien confidentiel"
# On the wall: as many tables on a sheet as leave each a column of this width, in letters that are read from two metres.
WIDE, WALL_SIZES = 64.0, (20, 18, 16, 14, 12)
HOURS, HEADER = 34.0, 30.0


def when(job_dating: JobDating) -> str:
    return f"{formats.long_date(job_dating.starts_at)}, de {formats.hour(job_dating.starts_at)} à {formats.hour(job_dating.ends_at)}"


def place(job_dating: JobDating) -> str:
    venue = job_dating.venue
    return ", ".join(part for part in (venue.name, venue.address, venue.commune.name) if part)


def printed(at: datetime) -> str:
    return f"Imprimé le {formats.short_date(at)} à {formats.hour(at)}. Si le plan change ensuite, l’écran de la salle et votre téléphone font foi."


def morning_page(sheets: Sheets, job_dating: JobDating, morning: papers.Morning, *, address: str, at: datetime) -> None:
    """One structure's morning: the hour and the table first, then with whom. Goes on overleaf when it is long."""
    organisation, width = morning.participant.organisation, sheets.w - 2 * MARGIN
    rows: list[tuple[int, papers.Seat | None, datetime]] = [(one.round, one, one.starts_at) for one in morning.seats]
    rows = sorted(rows + [(number, None, starts_at) for number, starts_at in morning.pauses], key=lambda row: row[0])
    y = morning_head(sheets, job_dating, organisation.name, address)
    for number, seat, starts_at in rows:
        text = "Pause" if seat is None else " et ".join(seat.names) or CONFIDENTIAL
        size, room = (20.0, width - 78) if seat else (15.0, width - 78)
        height = max(sheets.height(text, room, size, bold=bool(seat)) + 6, 17.0 if seat else 11.0)
        if y + height > sheets.h - MARGIN - 8:
            footer(sheets, "Suite sur la feuille suivante.", MARGIN)
            y = morning_head(sheets, job_dating, organisation.name, address)
        sheets.rule(MARGIN, y, width)
        sheets.write_text(MARGIN, y + 3, formats.hour(starts_at), width=30, size=20 if seat else 15, bold=bool(seat), colour=INK if seat else SOFT)
        if seat:
            sheets.write_text(MARGIN, y + 11, f"tour {number + 1}", width=30, size=9, colour=SOFT)
            sheets.write_text(MARGIN + 33, y + 3, f"Table {seat.table.number}", width=42, size=20, bold=True)
        sheets.write_text(MARGIN + 78, y + 3, text, width=room, size=size, bold=bool(seat), colour=INK if seat else SOFT)
        y += height
    sheets.rule(MARGIN, y, width)
    footer(sheets, printed(at), MARGIN)


def morning_head(sheets: Sheets, job_dating: JobDating, name: str, address: str) -> float:
    """The name, the day and the place, and the code that leads to the programme on a telephone. Returns where the rows begin."""
    sheets.leaf()
    width = sheets.w - 2 * MARGIN - 40
    y = sheets.write_text(MARGIN, MARGIN, job_dating.title, width=width, size=11, colour=SOFT)
    size = sheets.fitting(name, width, 34, (34, 30, 26, 22, 18, 14), bold=True)
    y = sheets.write_text(MARGIN, y + 2, name, width=width, size=size, bold=True)
    y = sheets.write_text(MARGIN, y + 2, when(job_dating), width=width, size=12)
    y = sheets.write_text(MARGIN, y, place(job_dating), width=width, size=12)
    sheets.code(sheets.w - MARGIN - 36, MARGIN - 2, 36, address)
    below = sheets.write_text(sheets.w - MARGIN - 38, MARGIN + 34, "Votre programme sur téléphone", width=40, size=8, colour=SOFT, align="C")
    y = max(y, below) + 5
    sheets.rule(MARGIN, y, sheets.w - 2 * MARGIN, thick=1, colour=INK)
    return y + 1


def table_page(sheets: Sheets, job_dating: JobDating, sheet: papers.TableSheet, *, at: datetime) -> None:
    """Who sits at this table, round after round."""
    width, y = sheets.w - 2 * MARGIN, table_head(sheets, job_dating, sheet.table)
    room = width - 38
    for seat in sheet.seats:
        names = list(seat.names) or [CONFIDENTIAL]
        heights = [sheets.height(name, room, 19, bold=True) for name in names]
        height = max(sum(heights) + 6, 17.0)
        if y + height > sheets.h - MARGIN - 8:
            footer(sheets, "Suite sur la feuille suivante.", MARGIN)
            y = table_head(sheets, job_dating, sheet.table)
        sheets.rule(MARGIN, y, width)
        sheets.write_text(MARGIN, y + 3, formats.hour(seat.starts_at), width=34, size=20, bold=True)
        sheets.write_text(MARGIN, y + 11, f"tour {seat.round + 1}", width=34, size=9, colour=SOFT)
        line = y + 3
        for name, colour, tall in zip(names, (NEED, OFFER), heights, strict=False):
            sheets.band(MARGIN + 34, line + 0.6, 1.4, colour, tall - 1.6)
            line = sheets.write_text(MARGIN + 38, line, name, width=room, size=19, bold=True)
        y += height
    sheets.rule(MARGIN, y, width)
    footer(sheets, printed(at), MARGIN)


def table_head(sheets: Sheets, job_dating: JobDating, table: Table) -> float:
    sheets.leaf()
    width = sheets.w - 2 * MARGIN
    number = f"Table {table.number}"
    y = sheets.write_text(MARGIN, MARGIN, number, width=width, size=72, bold=True)
    about = [table.room.name, "accessible en fauteuil roulant" if table.is_accessible else ""]
    y = sheets.write_text(MARGIN, y, ", ".join(part for part in about if part), width=width, size=16)
    y = sheets.write_text(MARGIN, y + 1, f"{job_dating.title}, {when(job_dating)}", width=width, size=11, colour=SOFT)
    sheets.rule(MARGIN, y + 3, width, thick=1, colour=INK)
    return y + 4


def wall_pages(sheets: Sheets, job_dating: JobDating, *, at: datetime) -> None:
    """Rounds by tables on A3, to be stuck side by side: as many sheets as letters of this size need."""
    tables = [sheet.table for sheet in papers.table_sheets(job_dating)]
    sheets.leaf(landscape=True, size="A3")
    per_page = max(1, int((sheets.w - 2 * MARGIN - HOURS) // WIDE))
    pages = -(-len(tables) // per_page) or 1
    # Even sheets: none with a single table beside a full one.
    share = -(-len(tables) // pages) or 1
    for number, start in enumerate(range(0, max(len(tables), 1), share)):
        if number:
            sheets.leaf(landscape=True, size="A3")
        wall_sheet(sheets, job_dating, tables[start : start + share], at=at)


def wall_sheet(sheets: Sheets, job_dating: JobDating, tables: list[Table], *, at: datetime) -> None:
    column = (sheets.w - 2 * MARGIN - HOURS) / max(len(tables), 1)
    rounds = papers.wall(job_dating, tables)
    room = (sheets.h - 2 * MARGIN - HEADER - 12) / max(len(rounds), 1)
    y = wall_head(sheets, job_dating, tables, column)
    for number, seats in enumerate(rounds):
        sizes = [wall_size(sheets, seat, column - 9, room - 6) if seat else WALL_SIZES[-1] for seat in seats]
        heights = [wall_height(sheets, seat, column - 9, size) + 6 for seat, size in zip(seats, sizes, strict=True) if seat]
        height = max([*heights, 18.0])
        if y + height > sheets.h - MARGIN - 4:
            footer(sheets, "Suite sur la feuille suivante.", MARGIN)
            sheets.leaf(landscape=True, size="A3")
            y = wall_head(sheets, job_dating, tables, column)
        sheets.rule(MARGIN, y, sheets.w - 2 * MARGIN, thick=0.4)
        sheets.write_text(MARGIN, y + 2.5, formats.hour(job_dating.round_starts_at(number)), width=HOURS, size=20, bold=True)
        sheets.write_text(MARGIN, y + 11.5, f"tour {number + 1}", width=HOURS, size=13, colour=SOFT)
        for place_in_row, seat in enumerate(seats):
            wall_cell(sheets, MARGIN + HOURS + place_in_row * column, y + 2.5, seat, column - 9, sizes[place_in_row])
        y += height
    sheets.rule(MARGIN, y, sheets.w - 2 * MARGIN, thick=0.4)
    footer(sheets, printed(at), MARGIN)


def wall_head(sheets: Sheets, job_dating: JobDating, tables: list[Table], column: float) -> float:
    width = sheets.w - 2 * MARGIN
    y = sheets.write_text(MARGIN, MARGIN, f"{job_dating.title}, {when(job_dating)}", width=width, size=16, colour=SOFT)
    for number, table in enumerate(tables):
        sheets.write_text(MARGIN + HOURS + number * column, y + 1, f"Table {table.number}", width=column, size=28, bold=True)
    y += 1 + 28 * POINT * LEADING
    sheets.rule(MARGIN, y + 1, width, thick=1.2, colour=INK)
    return y + 2


def wall_names(seat: papers.Seat) -> tuple[str, ...]:
    return seat.names or (CONFIDENTIAL,)


def wall_height(sheets: Sheets, seat: papers.Seat, width: float, size: float) -> float:
    return sum(sheets.height(name, width, size, bold=True) for name in wall_names(seat)) + 1


def wall_size(sheets: Sheets, seat: papers.Seat, width: float, height: float) -> float:
    """The largest letters with which this seat fits into its cell; the smallest ones make the row taller instead."""
    return next((size for size in WALL_SIZES if wall_height(sheets, seat, width, size) <= height), WALL_SIZES[-1])


def wall_cell(sheets: Sheets, x: float, y: float, seat: papers.Seat | None, width: float, size: float) -> None:
    if seat is None:
        sheets.write_text(x + 4, y, "libre", width=width, size=13, colour=SOFT)
        return
    for name, colour in zip(wall_names(seat), (NEED, OFFER), strict=False):
        tall = sheets.height(name, width, size, bold=True)
        sheets.band(x, y + 0.6, 1.6, colour, tall - 1.2)
        y = sheets.write_text(x + 4, y, name, width=width, size=size, bold=True) + 1
