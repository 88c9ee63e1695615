"""A job dating on paper: every name whole, every page readable, links that lead to the programme."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import job_datings, papers, participant_links
from matchmaker.web.papers_canvas import Sheets, readable
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue
from tests.pages import heading

LONG = "Coopérative d’activité et d’emploi de l’Orne et du pays de Falaise, section des services à la personne de Domfront en Poiraie"
FILES = ("tout", "structures", "tables", "mural", "badges")


@pytest.fixture
def job_dating(client):
    host = UserFactory(host=True)
    client.sign_in(host)
    return JobDatingFactory(venue=venue(host.organisation, tables=7), title="Job dating de l’hiver\u00a0!")


def chosen(job_dating, *names):
    """One structure that needs, and meets each of these."""
    buyer = OrganisationFactory(name=LONG)
    need = lambda: NeedFactory(organisation=buyer)  # noqa: E731
    job_datings.choose(job_dating, [MatchFactory(mutual=True, need=need(), offer=OfferFactory(organisation=OrganisationFactory(name=name))) for name in names])
    return buyer


def read(content):
    """The words of a PDF and how many pages it has, by a reader that shares nothing with what wrote it."""
    pages = [page.extract_text() for page in PdfReader(BytesIO(content)).pages]
    return " ".join(" ".join(pages).split()), len(pages)


def test_each_structure_has_its_page_with_all_its_meetings_in_order(client, job_dating):
    chosen(job_dating, "Picorée", "Le Lavoir", "Régie → Perseigne")
    db.session.commit()

    answer = client.get(f"/mes-job-datings/{job_dating.id}/papier/structures.pdf")

    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, "application/pdf", "no-store")
    text, pages = read(answer.data)
    assert pages == 4
    assert [name for name in ("Picorée", "Le Lavoir", "Régie → Perseigne", "Table 2", "9 h 30", "Job dating de l’hiver !") if name not in text] == [], text
    assert b"/Lang (fr)" in answer.data
    assert b"/Title" in answer.data


def test_everything_together_is_the_wall_plan_the_tables_and_the_structures(client, job_dating):
    chosen(job_dating, "Picorée", "Le Lavoir")
    db.session.commit()

    pages = {file: read(client.get(f"/mes-job-datings/{job_dating.id}/papier/{file}.pdf").data)[1] for file in FILES}

    assert pages["tout"] == pages["mural"] + pages["tables"] + pages["structures"]
    assert (pages["structures"], pages["tables"], pages["badges"]) == (3, 1, 1)


def test_a_badge_for_each_person_eight_on_a_sheet(client, job_dating):
    chosen(job_dating, *[f"Structure {number}" for number in range(7)])
    job_dating.participants[0].delegates = 2
    db.session.commit()

    text, pages = read(client.get(f"/mes-job-datings/{job_dating.id}/papier/badges.pdf").data)

    assert pages == 2
    assert text.count("prénom et nom") == 9
    assert "personne 2 sur 2" in text
    assert participant_links.code_of(job_dating.participants[0]) in text


@pytest.mark.parametrize("name", ["Blanchisserie inclusive Lin Clair", "Envie 61 électroménager", LONG])
def test_no_name_runs_into_the_code_of_a_badge(client, job_dating, name):
    chosen(job_dating, name)
    db.session.commit()
    codes, words = [], []

    def see_operand(operator, _operands, matrix, _text_matrix):
        # A picture is a unit square under its matrix: where it ends upwards is what counts.
        if operator == b"Do":
            codes.append(matrix[5] + matrix[3])

    def see_text(text, _matrix, text_matrix, _font, size):
        if any(word in text for word in name.split() if len(word) > 3):
            words.append(text_matrix[5])

    page = PdfReader(BytesIO(client.get(f"/mes-job-datings/{job_dating.id}/papier/badges.pdf").data)).pages[0]
    page.extract_text(visitor_operand_before=see_operand, visitor_text=see_text)

    # The badges stand side by side on the first row: every line of a name is above both codes.
    assert words
    assert codes
    assert min(words) >= max(codes)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", [LONG, "A" * 120, "Café 🎉 du coin", "جمعية الحي", "עמותת השכונה", "東京の会", "😀", "\u202e\u200b", "é" * 200])
def test_no_name_breaks_a_sheet(client, job_dating, file, name):
    chosen(job_dating, name, "Le Lavoir")
    db.session.commit()

    answer = client.get(f"/mes-job-datings/{job_dating.id}/papier/{file}.pdf")

    assert (answer.status_code, answer.data[:5]) == (200, b"%PDF-")


def test_a_long_name_is_whole_on_each_sheet(client, job_dating):
    chosen(job_dating, *[f"Structure {number}" for number in range(7)])
    db.session.commit()

    for file in ("structures", "tables", "mural", "badges"):
        text, _pages = read(client.get(f"/mes-job-datings/{job_dating.id}/papier/{file}.pdf").data)
        missing = [word for word in LONG.split() if word not in text]
        assert missing == [], file


def test_lines_hold_every_letter_and_none_is_wider_than_its_place():
    sheets = Sheets("essai", at=now())
    for text in (LONG, "A" * 120, "un mot d’une longueur déraisonnable-" + "é" * 90, "«\u00a0oui\u00a0»"):
        lines = sheets.lines(text, 40, 14, bold=True)
        assert "".join(lines).replace(" ", "") == readable(text).replace(" ", "")
        assert all(sheets.get_string_width(line) <= 40 for line in lines)
    sheets.let_go()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Café 🎉 du coin", "Café du coin"),
        ("Qui vient ?", "Qui vient\u00a0?"),
        ("dit « oui »", "dit «\u00a0oui\u00a0»"),
        ("deux\nlignes\tici", "deux lignes ici"),
        ("東京", "□□"),
        ("\u202e\u200b", "□"),
        ("flèche → là", "flèche → là"),
    ],
)
def test_a_text_becomes_what_the_font_can_draw(text, printed):
    assert readable(text) == printed


def test_who_is_not_in_charge_and_a_file_that_is_none_find_nothing(app, client, job_dating):
    chosen(job_dating, "Picorée")
    db.session.commit()

    assert client.get(f"/mes-job-datings/{job_dating.id}/papier/autre.pdf").status_code == 404
    client.sign_in(UserFactory(host=True))
    assert client.get(f"/mes-job-datings/{job_dating.id}/papier/tout.pdf").status_code == 404


def test_without_a_plan_the_page_says_so_and_there_is_no_file(client, job_dating):
    db.session.commit()

    page = client.get(f"/mes-job-datings/{job_dating.id}/papier")

    assert heading(page.text) == "Rien à imprimer pour l’instant"
    assert client.get(f"/mes-job-datings/{job_dating.id}/papier/tout.pdf").status_code == 404


def test_the_page_says_how_many_sheets_there_are(client, job_dating):
    chosen(job_dating, "Picorée", "Le Lavoir")
    db.session.commit()

    page = client.get(f"/mes-job-datings/{job_dating.id}/papier")

    assert "3\u00a0structures" in page.text
    assert "1\u00a0table" in page.text
    assert "3\u00a0badges" in page.text


def test_a_confidential_meeting_has_no_name_on_paper(app, job_dating):
    chosen(job_dating, "Picorée")
    job_dating.meetings[0].match.need.is_confidential = True

    assert [seat.names for morning in papers.mornings(job_dating) for seat in morning.seats] == [(), ()]
    assert [seat.names for sheet in papers.table_sheets(job_dating) for seat in sheet.seats] == [()]


def test_rounds_without_a_meeting_between_two_are_pauses(app, job_dating):
    chosen(job_dating, "Picorée", "Le Lavoir")
    for meeting, number in zip(job_dating.meetings, (0, 3), strict=True):
        meeting.round = number

    longest = max(papers.mornings(job_dating), key=lambda morning: len(morning.seats))

    assert [number for number, _at in longest.pauses] == [1, 2]


def test_making_the_sheets_asks_as_often_for_many_as_for_few(client, job_dating, queries):
    def count():
        queries.clear()
        assert client.get(f"/mes-job-datings/{job_dating.id}/papier/tout.pdf").status_code == 200
        return len(queries)

    chosen(job_dating, "Picorée")
    db.session.commit()
    before = count()
    chosen(job_dating, *[f"Structure {number}" for number in range(6)])
    db.session.commit()

    assert count() == before


def test_the_code_leads_to_the_programme(app, job_dating, monkeypatch):
    chosen(job_dating, "Picorée")
    addresses = []
    monkeypatch.setattr(Sheets, "code", lambda self, x, y, side, address: addresses.append(address))

    with app.test_request_context():
        from matchmaker.web.papers import structures

        sheets = Sheets("essai", at=now())
        structures(sheets, job_dating)
        sheets.let_go()

    assert sorted(addresses) == sorted(participant_links.link(participant, mail_settings()) for participant in job_dating.participants)
