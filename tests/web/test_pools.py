"""Shared jobs on screen: the animator's page, the employer's page, the simulator."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    InclusionKind,
    JobDatingStatus,
    Need,
    NeedPairRule,
    OutboxMail,
    Pool,
    PoolingRun,
    PoolingStatus,
    PoolingTrial,
    PoolStatus,
    Role,
    ShareStatus,
    User,
)
from matchmaker.models.base import now, today
from matchmaker.services import pools, pools_runs, pools_what_if
from matchmaker.web import pools_map, pools_words
from matchmaker.web.settings import mail_settings
from tasks.pools import expire, follow_meetings, try_due
from tests.conftest import Client
from tests.factories import FractionFactory, JobDatingFactory, OfferFactory, OrganisationFactory, UserFactory, departement, group, pair_rule, venue, welcome
from tests.pages import words
from tests.services.test_pools import three


def bench() -> str:
    return f"/territoires/{departement('61').id}/emplois-partages"


@pytest.fixture
def animator(app: Flask, client: Client) -> User:
    user = UserFactory(animator=True)
    client.sign_in(user)
    return user


def composed() -> Pool:
    three()
    pools_runs.recompose(departement("61"))
    db.session.commit()
    return db.session.scalars(select(Pool)).one()


RULES = {"max_km": "40", "max_employers": "4", "min_fte": "0,8", "max_fte": "1"}


def test_the_search_is_a_row_and_the_queue_is_only_nudged(client: Client, animator: User, nudged: list[tuple[object, ...]]) -> None:
    three()
    response = client.post(f"{bench()}/composer", data=RULES)

    assert (response.status_code, response.location) == (302, bench())
    run = db.session.scalars(select(PoolingRun)).one()
    assert (run.status, run.rules["max_km"], run.requested_by) == (PoolingStatus.QUEUED, 40.0, animator)
    assert nudged == [("tasks.pools.compose_due",)]
    assert "La recherche est en cours." in words(client.get(bench()).text)
    assert client.post(f"{bench()}/composer", data=RULES).status_code == 302
    assert db.session.scalar(select(func.count()).select_from(PoolingRun)) == 1


@pytest.mark.usefixtures("animator")
def test_the_page_shows_the_week_the_cautions_with_their_source_and_the_proof(client: Client) -> None:
    composed()

    page = words(client.get(bench()).text)

    assert "Comptable, 1,00 ETP à 3" in page
    assert "TVA : situations différentes." in page
    assert "C la paie, A et B non." in page
    assert "article 261 B" in page
    assert "C’est le meilleur résultat possible avec ces règles" in page
    assert re.search(r"A vers B : \d+ km", page)


@pytest.mark.usefixtures("animator")
def test_the_way_of_the_groups_is_counted_in_full_time(client: Client) -> None:
    composed()
    group(proposed=True)
    db.session.commit()

    page = words(client.get(bench()).text)
    for step in ("Composés : 1,00 ETP", "proposés : 0,60 ETP", "tout le groupe intéressé : 0,00 ETP", "signés : 0,00 ETP"):
        assert step in page


@pytest.mark.usefixtures("animator")
def test_a_need_in_no_group_says_what_is_missing(client: Client) -> None:
    FractionFactory(halfdays=0b00000011, volume=Decimal("0.2"))
    FractionFactory(halfdays=0b11111111, volume=Decimal("0.7"), title="Sept demi-journées")
    pools_runs.recompose(departement("61"))
    FractionFactory(title="Arrivée après")
    db.session.commit()

    page = words(client.get(bench()).text)

    assert "si vendredi matin était possible" in page or "si vendredi après-midi était possible" in page
    assert "Publié depuis la dernière recherche." in page


@pytest.mark.usefixtures("animator")
def test_other_rules_are_tried_without_writing(client: Client, queries: list[str]) -> None:
    composed()
    queries.clear()

    page = words(client.get(f"{bench()}?max_km=10&max_employers=4&min_fte=0,8&max_fte=1").text)

    assert "1,00 ETP de moins" in page
    assert not [statement for statement in queries if statement.startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.usefixtures("animator")
def test_where_needs_are_many_a_worker_tries_the_rules_and_says_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch, nudged: list[tuple[object, ...]]
) -> None:
    composed()
    tried = RULES | {"max_km": "10"}
    assert client.get(f"{bench()}?essai=oui").status_code == 404
    monkeypatch.setattr(pools_what_if, "AT_ONCE", 2)
    assert "l’essai se calcule à part" in words(client.get(bench(), query_string=tried).text)

    response = client.post(f"{bench()}/essai", data=tried)

    assert (response.status_code, response.location) == (302, f"{bench()}?essai=oui#regles")
    assert ("tasks.pools.try_due",) in nudged
    assert "L’essai se calcule : 3 besoins, deux fois. Il attend son tour." in words(client.get(f"{bench()}?essai=oui").text)
    assert client.post(f"{bench()}/essai", data=RULES).status_code == 302
    assert db.session.scalars(select(PoolingTrial.status)).all() == [PoolingStatus.QUEUED]
    try_due()
    page = words(client.get(f"{bench()}?essai=oui").text)
    assert "1,00 ETP de moins : 0,00 ETP avec ces règles, 1,00 avec les règles actuelles." in page
    assert 'value="10"' in client.get(f"{bench()}?essai=oui").text
    assert client.post(f"{bench()}/essai", data=RULES | {"max_km": "0"}).status_code == 422


@pytest.mark.usefixtures("animator")
def test_a_trial_that_fails_says_so(client: Client) -> None:
    composed()
    client.post(f"{bench()}/essai", data=RULES)
    trial = db.session.scalars(select(PoolingTrial)).one()
    trial.rules = {"max_km": -1.0}
    db.session.commit()

    try_due()

    assert "L’essai n’a pas abouti." in words(client.get(f"{bench()}?essai=oui").text)


@pytest.mark.usefixtures("animator")
@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"max_km": "0"}, "Écrivez un nombre de kilomètres"),
        ({"max_km": "NaN"}, "Écrivez un nombre de kilomètres"),
        ({"min_fte": "1", "max_fte": "0,5"}, "C’est moins que le minimum."),
        ({"max_fte": "1,2"}, "Écrivez une part d’un temps plein"),
        ({"max_employers": "9"}, "N'est pas un choix valide."),
    ],
)
def test_rules_that_cannot_be_are_refused_with_their_field(client: Client, typed: dict[str, str], told: str) -> None:
    for response in (client.get(bench(), query_string=RULES | typed), client.post(f"{bench()}/composer", data=RULES | typed)):
        assert response.status_code == 422
        assert told in words(response.text)
    assert db.session.scalar(select(func.count()).select_from(PoolingRun)) == 0


@pytest.mark.usefixtures("animator")
def test_a_group_is_proposed_once_whatever_the_clicks(client: Client) -> None:
    pool = composed()

    assert client.post(f"/emplois-partages/{pool.id}/proposer").status_code == 302
    assert client.post(f"/emplois-partages/{pool.id}/proposer").status_code == 409

    assert db.session.scalar(select(func.count()).select_from(OutboxMail).where(OutboxMail.kind == "pool_proposed")) == 3


@pytest.mark.usefixtures("animator")
def test_actions_in_the_wrong_state_are_409(client: Client) -> None:
    pool = composed()
    for action in ("signer", "dissoudre", "reparer"):
        assert client.post(f"/emplois-partages/{pool.id}/{action}").status_code == 409


@pytest.mark.usefixtures("animator")
def test_two_needs_are_wanted_apart_and_released(client: Client) -> None:
    one, other = FractionFactory(), FractionFactory()
    db.session.commit()

    assert client.post(f"{bench()}/paires", data={"one": one.id, "other": other.id, "rule": "apart"}).status_code == 302
    rule = db.session.scalars(select(NeedPairRule)).one()
    assert "pas ensemble" in client.get(bench()).text
    assert client.post(f"{bench()}/paires/{rule.id}/retirer").status_code == 302
    assert client.post(f"{bench()}/paires/{rule.id}/retirer").status_code == 404


@pytest.mark.usefixtures("animator")
@pytest.mark.parametrize("sent", [{}, {"one": "x"}, {"rule": "apart"}, {"rule": "enemies"}])
def test_a_pair_that_cannot_be_is_refused(client: Client, sent: dict[str, str]) -> None:
    need = FractionFactory()
    db.session.commit()

    assert client.post(f"{bench()}/paires", data={"one": need.id, "other": need.id} | sent).status_code == 422


def test_a_pair_of_another_territory_is_not_there(client: Client) -> None:
    rule = pair_rule()
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))

    assert client.post(f"/territoires/{departement('76').id}/emplois-partages/paires/{rule.id}/retirer").status_code == 404


@pytest.fixture
def mine(app: Flask, client: Client) -> Need:
    """A fraction of the signed-in member, in a group with one of « Lavandières »."""
    need = FractionFactory()
    client.sign_in(UserFactory(organisation=need.organisation))
    return need


@pytest.fixture
def other() -> Need:
    return FractionFactory(
        at="Domfront en Poiraie (61)", organisation=OrganisationFactory(name="Lavandières", phone="02 61 91 00 00", at="Domfront en Poiraie (61)")
    )


def test_names_are_told_only_when_all_said_yes(client: Client, mine: Need, other: Need) -> None:
    pool = group(mine, other, proposed=True)
    address = f"/emplois-partages/{pool.id}"

    before = words(client.get(address).text)
    assert "Employeur B" in before
    assert "Lavandières" not in before
    assert "Domfront en Poiraie" not in before
    assert client.post(f"{address}/oui").status_code == 302
    assert "Lavandières" not in client.get(address).text

    client.sign_in(UserFactory(organisation=other.organisation))
    client.post(f"{address}/oui")
    client.sign_in(UserFactory(organisation=mine.organisation))

    after = words(client.get(address).text)
    assert "Lavandières" in after
    assert "02 61 91 00 00" in after
    db.session.expire_all()
    assert db.session.get_one(Pool, pool.id).status is PoolStatus.AGREED


def test_a_second_answer_changes_nothing(client: Client, mine: Need, other: Need) -> None:
    pool = group(mine, other, proposed=True)

    for _click in range(2):
        assert client.post(f"/emplois-partages/{pool.id}/non").status_code == 302
    client.post(f"/emplois-partages/{pool.id}/oui")

    db.session.expire_all()
    assert [share.status for share in db.session.get_one(Pool, pool.id).shares] == [ShareStatus.DECLINED, ShareStatus.PENDING]
    assert "Vous avez dit non à ce groupe" in client.get(f"/emplois-partages/{pool.id}").text
    assert str(pool.id) not in client.get("/emplois-partages").text


def test_a_group_that_was_not_proposed_is_not_there(client: Client, mine: Need, other: Need) -> None:
    pool = group(mine, other)

    assert client.get(f"/emplois-partages/{pool.id}").status_code == 404
    assert client.post(f"/emplois-partages/{pool.id}/oui").status_code == 404


def test_what_awaits_an_answer_is_counted_in_the_menu(client: Client, mine: Need, other: Need) -> None:
    group(mine, other, proposed=True)

    page = words(client.get("/emplois-partages").text)

    assert "Un groupe attend votre réponse" in page
    assert "1 à traiter" in page


def test_other_days_are_an_answer(client: Client, mine: Need, other: Need) -> None:
    pool = group(mine, other, proposed=True)
    address = f"/emplois-partages/{pool.id}"
    assert "Proposer d’autres jours" in client.get(address).text

    few = client.post(f"{address}/autres-jours", data={"halfdays": ["9"]})
    assert (few.status_code, "Cochez-en au moins 3" in words(few.text)) == (422, True)
    assert client.post(f"{address}/autres-jours", data={"halfdays": ["12", "1", "2"]}).status_code == 422
    assert client.post(f"{address}/autres-jours", data={"halfdays": ["7", "8", "9"]}).status_code == 302

    db.session.expire_all()
    assert [share.halfdays for share in db.session.get_one(Pool, pool.id).shares] == [0b1110000000, 0b0000111000]
    assert "la semaine du groupe les suit" in client.get(address).text


def test_other_days_without_a_week_say_which_would_do(client: Client, mine: Need, other: Need) -> None:
    other.halfdays = 0b0000111000
    pool = group(mine, other, proposed=True)

    response = client.post(f"/emplois-partages/{pool.id}/autres-jours", data={"halfdays": ["3", "4", "5"]})

    assert response.status_code == 422
    assert "aucune semaine ne convient à tout le groupe. Il faudrait par exemple" in words(response.text)
    db.session.expire_all()
    assert db.session.get_one(Need, mine.id).halfdays == 0


def test_who_did_not_answer_in_time_is_told_so(client: Client, mine: Need, other: Need) -> None:
    pool = group(mine, other, proposed=True)
    pool.answer_by = today() - timedelta(days=1)
    pools.accept(pool.shares[1], settings=mail_settings())
    pool_id = pool.id
    db.session.commit()

    expire()

    assert "Le groupe a continué sans votre réponse" in client.get(f"/emplois-partages/{pool_id}").text
    assert client.post(f"/emplois-partages/{pool_id}/oui").status_code == 302


@pytest.mark.usefixtures("animator")
def test_the_animator_asks_an_employer_group_to_take_the_pool_in(client: Client) -> None:
    organisation = OrganisationFactory(name="GE Bocage", inclusion_kind=InclusionKind.GE, email="ge@bocage.test")
    pool = group(proposed=True)
    address = f"/emplois-partages/{pool.id}/rejoindre/{organisation.id}"
    assert "Demander à GE Bocage d’accueillir ce groupe" in client.get(bench()).text

    assert client.post(address).status_code == 302
    assert client.post(address).status_code == 409

    page = words(client.get(bench()).text)
    assert "Nous lui avons posé la question." in page
    assert "Demander à GE Bocage" not in page


def test_an_employer_group_answers_without_names_before_all_are_interested(client: Client, mine: Need, other: Need) -> None:
    welcomed = welcome(mine, other)
    pool, address = welcomed.pool, f"/emplois-partages/accueil/{welcomed.id}"
    host = UserFactory(organisation=welcomed.organisation)
    client.sign_in(host)

    assert "un groupe à accueillir" in client.get("/emplois-partages").text
    before = client.get(address).text
    assert "Employeur A" in before
    assert "Lavandières" not in before
    assert client.post(f"{address}/oui").status_code == 302
    client.post(f"{address}/oui")
    assert "Lavandières" not in client.get(address).text
    for share in pool.shares:
        pools.accept(share, settings=mail_settings())
    db.session.commit()

    assert "Lavandières" in client.get(address).text
    client.sign_in(UserFactory(organisation=mine.organisation))
    assert "est prêt à accueillir ce groupe" in client.get(f"/emplois-partages/{pool.id}").text
    assert client.get(address).status_code == 404


@pytest.mark.usefixtures("animator")
def test_the_animator_lets_a_group_meet_at_a_job_dating(client: Client) -> None:
    pool = group(proposed=True)
    dating = JobDatingFactory(venue=venue(), status=JobDatingStatus.PUBLISHED, published_at=now())
    for share in pool.shares:
        pools.accept(share, settings=mail_settings())
    db.session.commit()
    address = f"/emplois-partages/{pool.id}/reunion/{dating.id}"
    assert "Réunir le groupe au job dating du" in client.get(bench()).text

    assert client.post(address).status_code == 302
    assert client.post(address).status_code == 409

    assert "Le groupe se réunit le" in client.get(bench()).text
    planner = words(client.get(f"/mes-job-datings/{dating.id}").text)
    assert "Un groupe se réunit à l’ouverture" in planner
    assert all(share.need.organisation.name in planner for share in pool.shares)
    follow_meetings()
    client.sign_in(UserFactory(organisation=pool.shares[0].need.organisation))
    assert "Le groupe se réunit le" in client.get(f"/emplois-partages/{pool.id}").text


@pytest.mark.usefixtures("animator")
def test_a_venue_that_is_full_says_so(client: Client) -> None:
    pool = group(proposed=True)
    dating = JobDatingFactory(venue=venue(), status=JobDatingStatus.PUBLISHED, published_at=now())
    dating.venue.authorised_headcount = dating.venue.staff_count + 1
    for share in pool.shares:
        pools.accept(share, settings=mail_settings())
    db.session.commit()

    response = client.post(f"/emplois-partages/{pool.id}/reunion/{dating.id}")

    assert response.status_code == 409
    assert "Le lieu peut recevoir" in words(response.text)


@pytest.mark.usefixtures("animator")
def test_a_profile_is_shown_beside_the_group_that_it_fits(client: Client) -> None:
    OfferFactory(category=Category.POOLED_JOB, details={"kind": "profile", "occupation": "comptable"}, title="Une comptable disponible", radius_km=60)
    composed()

    assert "Une comptable disponible" in client.get(bench()).text


PROFILE = {"title": "Un profil de comptable", "commune": "Flers (61)", "radius_km": "30", "capacity": "1", "occupation": "comptable", "kind": "profile"}


def test_a_profile_is_offered_without_any_address(client: Client, mine: Need) -> None:
    wage = {"budget_min": "26000", "budget_max": "30000"}
    refused = client.post("/offres/nouvelle/pooled_job", data=PROFILE | {"description": "Appeler Nora au 06 12 34 56 78"})
    assert (refused.status_code, "Ni adresse, ni téléphone" in words(refused.text)) == (422, True)

    told = client.post("/offres/nouvelle/pooled_job", data=PROFILE | wage, follow_redirects=True)

    assert "26 000 à 30 000" in words(told.text)
    assert "Salaire annuel brut" in told.text
    assert "un profil qui cherche un emploi partagé" in told.text
    assert "Que proposez-vous" not in client.get("/besoins/nouveau/pooled_job").text


def test_the_map_shows_where_only_when_names_are_told(app: Flask, mine: Need, other: Need) -> None:
    pool = group(mine, other, proposed=True)
    hidden, told = (pools_map.map_of(pool, told=ids) for ids in ({mine.id}, {mine.id, other.id}))

    assert hidden is not None
    assert told is not None
    assert [mark.letter for mark in hidden.marks] == ["A", "B"]
    assert (hidden.is_rough, told.is_rough) == (True, False)
    assert hidden.marks[0] == told.marks[0]
    assert (hidden.marks[1].x, hidden.marks[1].y) != (told.marks[1].x, told.marks[1].y)
    assert len(told.lines) == 1
    left, top, width, height = map(float, told.map.view_box.split())
    assert all(left < mark.x < left + width and top < mark.y < top + height for mark in told.marks)


def test_the_load_is_told_month_by_month(client: Client, mine: Need, other: Need) -> None:
    pool = group(mine, other, proposed=True)
    pool.plan = {str(month): {str(mine.id): [0, 1, 2]} | ({str(other.id): [3]} if 4 <= month <= 10 else {}) for month in range(1, 13)}
    db.session.commit()

    assert pools_words.loads(pool) == [
        ("de novembre à mars", [("A", "10,5\u00a0h"), ("B", "0\u00a0h")], "10,5\u00a0h"),
        ("d’avril à octobre", [("A", "10,5\u00a0h"), ("B", "3,5\u00a0h")], "14\u00a0h"),
    ]
    assert "D’avril à octobre" in client.get(f"/emplois-partages/{pool.id}").text


SEARCH = {"occupation": "Comptable", "commune": "Flers (61)", "wanted": "4"}


def test_the_simulator_counts_partners_without_naming_them_and_writes_nothing(client: Client, queries: list[str]) -> None:
    for need in three()[1:]:
        need.organisation.name = "Lavandières"
    FractionFactory(at="Le Havre (76)")
    FractionFactory(details={"occupation": "jardinier"})
    db.session.commit()
    queries.clear()

    response = client.post("/emplois-partages/simulateur", data=SEARCH)

    page = words(response.text)
    assert response.status_code == 200
    assert "3 parts compatibles autour de Flers (61)" in page
    assert "1,00 ETP à 3" in page
    assert "Lavandières" not in page
    assert not [statement for statement in queries if statement.startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"occupation": ""}, "Écrivez le nom du métier."),
        ({"wanted": "11"}, "Écrivez un nombre de 1 à 10."),
        ({"halfdays": ["0", "1"]}, "Cochez au moins autant de demi-journées"),
        ({"halfdays": ["99"]}, "« 99 »"),
        ({"months": ["13"]}, "« 13 »"),
        ({"commune": "Lyon"}, "pas encore ouverte"),
    ],
)
def test_a_fraction_that_cannot_be_is_refused_with_its_field(client: Client, typed: dict[str, object], told: str) -> None:
    response = client.post("/emplois-partages/simulateur", data=SEARCH | typed)

    assert response.status_code == 422
    assert told in words(response.text)


@pytest.mark.parametrize(
    ("months", "told"),
    [
        (range(1, 13), "toute l’année"),
        ([11, 12, 1, 2, 3], "de novembre à mars"),
        ([4, 5, 6, 7, 8, 9, 10], "d’avril à octobre"),
        ([6], "en juin"),
        ([1, 6, 7], "en janvier et de juin à juillet"),
    ],
)
def test_months_are_told_as_people_say_them(months: list[int], told: str) -> None:
    assert pools_words.month_words(list(months)) == told


def test_half_days_are_told_by_whole_days() -> None:
    assert pools_words.halfday_words(0b0000001111) == "lundi et mardi"
    assert pools_words.halfday_words(0b1110000000) == "jeudi après-midi, vendredi"
    assert pools_words.halfday_words(0b0001110000) == "mercredi, jeudi matin"


@pytest.mark.parametrize("role", [Role.ANIMATOR, Role.ADMIN])
def test_the_page_of_a_region_is_not_there(client: Client, role: Role) -> None:
    client.sign_in(UserFactory(animator=True) if role is Role.ANIMATOR else UserFactory(admin=True))
    region = departement("61").parent
    assert region is not None

    assert client.get(f"/territoires/{region.id}/emplois-partages").status_code == 404
