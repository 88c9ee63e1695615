"""The observatory: what each reader sees, what the files hold, what is said when there is nothing."""

import csv
import io
import re
from datetime import date, datetime, timedelta
from html import unescape

import pytest
import time_machine
from openpyxl import load_workbook
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Channel,
    DaysBand,
    DeclineReason,
    EuroBand,
    FoundAnyway,
    Organisation,
    Outcome,
    PoolStatus,
    ProposalStatus,
    Result,
    Role,
    Snapshot,
)
from matchmaker.models.base import PARIS, now
from matchmaker.services import observatory_snapshots, outcomes
from matchmaker.services.indicators import BY_KEY
from matchmaker.services.outcomes import Reply
from matchmaker.web.settings import mail_settings
from tests.factories import (
    FractionFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    UserFactory,
    commune,
    departement,
    group,
    mutual_match,
    proposals_of,
)
from tests.table_schema import mistakes

OCTOBER = date(2026, 10, 31)


@pytest.fixture
def autumn(app):
    """October had eight pairs in the Orne, of which three said yes twice; today is the 23 November 2026."""
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=PARIS), tick=False):
        asked_at = now() - timedelta(days=35)
        for number in range(8):
            if number < 3:
                match = mutual_match(confirmed_at=asked_at + timedelta(days=1))
            else:
                match = MatchFactory()
                for proposal in proposals_of(match):
                    proposal.status, proposal.decline_reason = ProposalStatus.DECLINED, DeclineReason.NO_TIME
                    proposal.answered_at = asked_at + timedelta(days=2)
            match.need.published_at = match.offer.published_at = asked_at
            for proposal in match.proposals:
                proposal.proposed_at = asked_at
        db.session.flush()
        db.session.expire_all()
        observatory_snapshots.take(OCTOBER)
        observatory_snapshots.take(date(2026, 11, 22))
        yield


def test_before_the_first_night_the_page_says_so(client):
    page = client.get("/observatoire/indicateurs")

    assert page.status_code == 200
    assert "Pas encore de relevé" in page.text


ABSENT = (
    ("?territoire=departement-99", 404, "Ce territoire n’est pas dans l’observatoire"),
    ("?periode=hier", 404, "Nous n’avons pas compris cette période"),
    ("?periode=2026-13", 404, "Nous n’avons pas compris cette période"),
    ("?periode=2019-05", 200, "Avant le premier relevé"),
    ("?periode=2027-05", 200, "Aucun relevé pendant cette période"),
    ("?territoire=departement-61&periode=2026-10", 200, "Taux de réponse"),
)


def test_what_is_not_there_is_said(client, autumn):
    for path in ("/observatoire/indicateurs", "/observatoire/indicateurs/answered"):
        for address, status, words in ABSENT:
            page = client.get(path + address)
            assert (page.status_code, words in page.text) == (status, True), (path, address)


def test_the_public_reads_a_month_with_its_denominators_and_without_its_small_numbers(client, autumn):
    page = client.get("/observatoire/indicateurs?territoire=departement-61&periode=2026-10").text

    assert "16 sur 16 propositions envoyées" in page
    assert "Besoins publiés" in page
    assert "3 sur 8 paires" not in page
    assert "Caché pour que personne ne soit reconnu." in page
    year = client.get("/observatoire/indicateurs?territoire=departement-61&periode=12-mois").text
    assert "Publié par mois entiers" in year
    assert "16 sur 16" not in year


def test_who_looks_after_the_territory_reads_all_of_it_and_of_others_what_the_public_does(client, autumn):
    client.sign_in(UserFactory(animator=True))

    assert "3 sur 8 paires" in client.get("/observatoire/indicateurs?territoire=departement-61").text
    assert "3 sur 8 paires" not in client.get("/observatoire/indicateurs?territoire=region-28&periode=2026-10").text


def test_each_indicator_has_its_page_and_its_rows(client, autumn):
    client.sign_in(UserFactory(admin=True))
    for key in BY_KEY:
        page = client.get(f"/observatoire/indicateurs/{key}?territoire=epci-{commune().epci_code}&periode=12-mois")
        assert (page.status_code, "Territoire par territoire" in page.text) == (200, True), key
        assert client.get(f"/observatoire/indicateurs/{key}/lignes/{departement('61').id}?periode=2026-10").status_code == 200, key
    assert "lc-map" in client.get("/observatoire/indicateurs/answered?periode=12-mois").text


def test_an_indicator_that_is_none_is_not_there(client, autumn):
    assert client.get("/observatoire/indicateurs/bonheur").status_code == 404


def test_the_rows_behind_a_figure_are_named_for_the_animator_alone(client, autumn):
    path = f"/observatoire/indicateurs/mutual/lignes/{departement('61').id}?periode=2026-10"
    assert client.get(path).status_code == 302
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert client.get(path).status_code == 404
    client.sign_in(UserFactory(animator=True))

    page = client.get(path).text

    assert "8\u00a0lignes" in page
    assert page.count("dans le chiffre") == 3
    assert page.count("au dénominateur seulement") == 5
    assert db.session.query(Organisation).first().name.split()[0] in page


def test_the_files_say_what_the_page_says(client, autumn):
    answer = client.get("/observatoire/indicateurs.csv?territoire=departement-61&periode=2026-10")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    mine = {row["indicateur"]: row for row in rows if row["territoire"] == "departement-61"}

    assert (mine["Taux de réponse"]["chiffre"], mine["Taux de réponse"]["numérateur"]) == ("100", "16")
    assert (mine["Oui des deux côtés"]["chiffre"], mine["Oui des deux côtés"]["publié"]) == ("", "non")
    sheet = load_workbook(io.BytesIO(client.get("/observatoire/indicateurs.xlsx?territoire=departement-61&periode=2026-10").data)).active
    assert sheet.max_row == len(rows) + 1
    assert [cell.value for cell in sheet[1]][:2] == ["territoire", "nom"]
    assert client.get("/observatoire/indicateurs.xlsx?territoire=epci-1").status_code == 404


def test_no_cell_of_a_file_is_a_formula(client, autumn):
    orne = departement("61")
    orne.name = "=cmd|' /C calc'!A1"
    db.session.flush()

    text = client.get("/observatoire/indicateurs.csv?territoire=departement-61&periode=2026-10").text
    book = load_workbook(io.BytesIO(client.get("/observatoire/indicateurs.xlsx?territoire=departement-61&periode=2026-10").data))

    assert ";'=cmd" in text
    assert ";=cmd" not in text
    assert book.active["B2"].value == orne.name
    assert book.active["B2"].data_type == "s"


def test_the_open_files_keep_to_their_schema(client, autumn):
    for name in ("indicateurs", "territoires", "definitions"):
        answer, schema = client.get(f"/donnees/{name}.csv"), client.get(f"/donnees/{name}.schema.json").json
        header, *rows = csv.reader(io.StringIO(answer.text))
        assert len(rows) > 5
        assert mistakes(schema, header, rows) == []
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_open_figures_are_those_of_months_that_are_over(client, autumn):
    rows = list(csv.DictReader(io.StringIO(client.get("/donnees/indicateurs.csv").text)))
    told = {(row["territoire"], row["indicateur"]): row for row in rows}

    assert {row["mois"] for row in rows} == {"2026-10"}
    assert told["departement-61", "answered"]["numerateur"] == "16"
    assert told["departement-61", "mutual"]["statut"] == "non_publie"
    assert told["departement-61", "mutual"]["numerateur"] == ""
    places = {row["territoire"] for row in csv.DictReader(io.StringIO(client.get("/donnees/territoires.csv").text))}
    keys = {row["indicateur"] for row in csv.DictReader(io.StringIO(client.get("/donnees/definitions.csv").text))}
    assert {row["territoire"] for row in rows} <= places
    assert {row["indicateur"] for row in rows} <= keys


def test_the_package_names_every_file_and_its_licence(client):
    package = client.get("/donnees/datapackage.json").json

    assert [client.get(resource["path"].removeprefix("http://croisee.test")).status_code for resource in package["resources"]] == [200] * 3
    assert package["licenses"][0]["name"] == "etalab-2.0"
    assert client.get("/donnees").status_code == 200
    assert client.get("/donnees/secrets.csv").status_code == 404


def test_impact_is_for_who_looks_after_the_territory(client, autumn):
    assert client.get("/observatoire/impact").status_code == 302
    client.sign_in(UserFactory())
    assert client.get("/observatoire/impact").status_code == 403
    client.sign_in(UserFactory(animator=True))
    assert client.get("/observatoire/impact?territoire=departement-76").status_code == 404
    assert client.get("/observatoire/impact?periode=hier").status_code == 404
    assert "Rien n’a encore été dit" in client.get("/observatoire/impact").text


def test_the_pages_take_the_same_queries_for_many(client, app, queries):
    client.sign_in(UserFactory(role=Role.ADMIN, organisation=None))
    paths = ("/observatoire", "/observatoire/indicateurs?periode=12-mois", "/observatoire/indicateurs/needs?periode=12-mois", "/observatoire/impact")
    counts = []
    for number in range(2):
        for _ in range(1 + 5 * number):
            mutual_match(need=NeedFactory(), offer=OfferFactory())
        db.session.flush()
        observatory_snapshots.take((now() - timedelta(days=1 + number)).date())
        queries.clear()
        assert [client.get(path).status_code for path in paths] == [200] * 4
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_the_report_of_a_quarter_is_a_pdf_for_who_looks_after_the_territory(client, autumn):
    path = f"/observatoire/rapports/{departement('61').id}"
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert client.get(f"{path}/2026-T4.pdf").status_code == 404
    client.sign_in(UserFactory(animator=True))

    for code in ("2026-T4", "2019-T1"):
        answer = client.get(f"{path}/{code}.pdf")
        assert (answer.status_code, answer.data[:5], answer.mimetype) == (200, b"%PDF-", "application/pdf")
    assert [client.get(f"{path}/{code}.pdf").status_code for code in ("2026-10", "hier", "2026-T5")] == [404, 404, 404]


def test_impact_shows_each_answer_behind_its_sums(client, app):
    match = mutual_match(confirmed_at=now() - timedelta(days=31))
    outcomes.ask_due(at=now(), settings=mail_settings())
    for proposal in match.proposals:
        reply = Reply(Result.SIGNED, euros=EuroBand.UP_TO_20K, found_anyway=FoundAnyway.NO) if proposal.side == "need" else Reply(Result.MET)
        outcomes.answer(outcomes.question(proposal), reply, channel=Channel.LINK)
    pool = group(FractionFactory(), FractionFactory(), proposed=True)
    pool.status, pool.signed_at = PoolStatus.SIGNED, now()
    db.session.flush()
    client.sign_in(UserFactory(animator=True))

    page = client.get("/observatoire/impact").text

    assert f"{match.need.organisation.name} et {match.offer.organisation.name}" in page
    assert "C’est signé, le" in page
    assert "Nous nous sommes rencontrés, le" in page
    assert '<dd class="figure">5\u00a0000</dd>' in page
    assert '<dd class="figure">0,60</dd>' in page
    assert "sur 1\u00a0réponse" in page


def test_each_figure_of_impact_leads_to_the_answers_that_it_is_the_sum_of(client, app):
    replies = {
        "Achat": (Category.PURCHASE, Reply(Result.SIGNED, euros=EuroBand.UP_TO_20K, found_anyway=FoundAnyway.NO)),
        "Petit achat": (Category.PURCHASE, Reply(Result.AGREED, euros=EuroBand.UP_TO_1K)),
        "Mécénat": (Category.SKILLS_SPONSORSHIP, Reply(Result.SIGNED, days=DaysBand.UP_TO_TWENTY, found_anyway=FoundAnyway.YES)),
    }
    for name, (category, _reply) in replies.items():
        mutual_match(
            need=NeedFactory(organisation=OrganisationFactory(name=name), category=category),
            offer=OfferFactory(category=category),
            confirmed_at=now() - timedelta(days=31),
        )
    outcomes.ask_due(at=now(), settings=mail_settings())
    for question in db.session.scalars(select(Outcome).where(Outcome.side == "need")):
        outcomes.answer(question, replies[question.organisation.name][1], channel=Channel.LINK)
    db.session.flush()
    client.sign_in(UserFactory(animator=True))

    def told(query: str) -> set[str]:
        page = client.get(f"/observatoire/impact{query}").text
        return {name for name in replies if f">{name} et " in page}

    whole = client.get("/observatoire/impact").text
    assert told("") == set(replies)
    assert told("?de=achats") == {"Achat", "Petit achat"}
    assert told("?de=achats&tranche=5000-20000") == {"Achat"}
    assert told("?de=mecenat") == {"Mécénat"}
    assert told("?de=sans-nous") == {"Achat", "Mécénat"}
    assert told("?de=nul&tranche=nul&page=1000000000") == set(replies)
    assert "6 à 20 jours" in whole
    assert "sans La Croisée\u00a0: non" in whole
    for link in re.findall(r'href="(/observatoire/[^"]*(?:de=|lignes)[^"#]*)', whole):
        assert client.get(unescape(link)).status_code == 200


def test_the_home_says_the_last_month_that_is_over_and_does_not_change_with_the_day(client, autumn):
    before = client.get("/observatoire").text
    NeedFactory()
    mutual_match()
    db.session.commit()

    after = client.get("/observatoire").text

    assert "Normandie, octobre 2026" in after
    assert "16 sur 16" in after
    assert after == before
    # Three pairs of eight said yes twice: few enough to be recognised.
    assert "3 sur 8" not in after
    assert "non publié" in after


def test_the_home_takes_as_many_queries_for_many_rows_as_for_few(client, autumn, queries):
    client.get("/observatoire")
    queries.clear()
    client.get("/observatoire")
    few = len(queries)
    for _ in range(6):
        NeedFactory(published_at=now() - timedelta(days=35))
    db.session.query(Snapshot).filter_by(day=OCTOBER).delete()
    observatory_snapshots.take(OCTOBER)
    db.session.commit()
    queries.clear()

    client.get("/observatoire")

    assert len(queries) == few
