"""The page behind the link of a proposition in a mail."""

import email
import email.policy
import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Category, DeclineReason, MatchStatus, OutboxMail, Proposal, ProposalAnswer, ProposalStatus, Status, Theme, Unit
from matchmaker.models.base import today
from matchmaker.services import mails, proposal_ends, proposal_links, proposals
from matchmaker.services.refusal_bounds import Bounds
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, proposals_of
from tests.pages import forms, heading, words


@pytest.fixture
def asked(app) -> tuple[Proposal, Proposal]:
    """The questions put to Picorée, which needs, and to the Atelier, which offers."""
    need = NeedFactory(organisation=OrganisationFactory(name="Picorée", email="contact@picoree.test", phone="02 33 11 22 33"))
    offer = OfferFactory(organisation=OrganisationFactory(name="Atelier du Lin", email="contact@lin.test", phone="02 33 44 55 66"))
    both = proposals_of(MatchFactory(need=need, offer=offer))
    db.session.commit()
    return both


@pytest.fixture
def mine(asked) -> Proposal:
    return asked[0]


def path_of(app, proposal: Proposal) -> str:
    return f"/reponses/{proposal_links.token(proposal, app.config['SECRET_KEY'])}"


@pytest.fixture
def path(app, mine) -> str:
    return path_of(app, mine)


def traces() -> int:
    return db.session.scalar(select(func.count()).select_from(ProposalAnswer)) or 0


def status_of(proposal: Proposal) -> ProposalStatus:
    return db.session.scalars(select(Proposal.status).where(Proposal.id == proposal.id)).one()


def checked(page: str) -> list[str]:
    return [value for value in re.findall(r'<input checked[^>]*value="([^"]+)"', page) if value in {"oui", "plus-tard", "non"}]


NO = {"reponse": "non", "reason": "too_far", "comment": "40 km"}


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("choice", ["oui", "plus-tard", "non"])
def test_following_a_link_changes_nothing_even_when_it_names_an_answer(client, mine, path, method, choice, queries):
    response = getattr(client, method)(f"{path}?reponse={choice}")

    assert response.status_code == 200
    assert (status_of(mine), traces()) == (ProposalStatus.PENDING, 0)
    assert not [query for query in queries if not query.lstrip().upper().startswith("SELECT")]


@pytest.mark.parametrize(("query", "choice"), [("", []), ("?reponse=oui", ["oui"]), ("?reponse=plus-tard", ["plus-tard"]), ("?reponse=<x>", [])])
def test_the_link_that_was_followed_chooses(client, path, query, choice):
    page = client.get(path + query).text

    assert checked(page) == choice
    assert "<x>" not in page


def test_the_page_says_why_in_three_lines_and_gives_no_contact(client, mine, path):
    mine.match.need.flags, mine.match.need.themes, mine.match.offer.themes = ["delivery", "vat"], [Theme.FOOD.value], [Theme.FOOD.value]
    db.session.commit()

    page = client.get(path).text

    told = words(page)
    for word in ("Pour Picorée. Pas besoin de mot de passe.", mine.match.need.title, mine.match.offer.title, "Atelier du Lin", "En commun : traiteur"):
        assert word in told
    reasons = re.search(r'<ul class="lc-reasons">(.*?)</ul>', page, re.DOTALL)
    assert reasons
    assert reasons[1].count("<li") == 3
    assert reasons[1].count("lc-ask") == 1
    assert "contact@lin.test" not in page
    assert "02 33 44 55 66" not in told
    assert forms(page)[-1].choices["reason"] == [reason.value for reason in DeclineReason]


def test_a_succession_in_confidence_stays_without_a_name(client, app, asked):
    asked[1].match.offer.category = asked[1].match.need.category = Category.SUCCESSION
    asked[1].match.offer.is_confidential = True
    db.session.commit()

    page = words(client.get(path_of(app, asked[0])).text)

    assert "Atelier du Lin" not in page
    assert "Flers" not in page
    assert "Les noms sont montrés si vous dites oui tous les deux." in page


@pytest.mark.parametrize(
    ("data", "status", "thanks"),
    [
        ({"reponse": "oui"}, ProposalStatus.ACCEPTED, "Votre oui est noté."),
        (NO, ProposalStatus.DECLINED, "Votre non est noté."),
        ({"reponse": "plus-tard", "until": (today() + timedelta(days=20)).isoformat()}, ProposalStatus.PENDING, "Revenez par le même lien"),
    ],
)
def test_the_button_records_and_the_page_says_so(client, mine, path, data, status, thanks, nudged):
    form = forms(client.get(path).text)[-1]

    response = client.post(path, data=form.filled(**data))
    after = client.get(path).text

    assert (response.status_code, response.location) == (302, path)
    assert status_of(mine) is status
    assert traces() == 1
    assert checked(after) == [data["reponse"]]
    assert thanks in words(after)
    assert "Votre réponse est notée" in words(after)
    assert nudged[-1][0] == ("tasks.matching.run_due" if data is NO else "tasks.outbox.drain")


def test_it_works_without_any_cookie(app, mine, path, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    client = app.test_client(use_cookies=False)
    site = {"base_url": "https://croisee.test"}
    form = forms(client.get(path, **site).text)[-1]

    refused = [client.post(path, data={"reponse": "oui", **token}, **site).status_code for token in ({}, {"csrf_token": "x"})]
    taken = client.post(path, data=form.filled(reponse="oui"), **site)

    assert (refused, taken.status_code) == ([400, 400], 302)
    assert status_of(mine) is ProposalStatus.ACCEPTED
    assert "Votre réponse est notée : oui" in words(client.get(path, **site).text)


def test_one_may_change_ones_mind_and_a_double_click_is_one_answer(client, asked, path):
    for data in ({"reponse": "oui"}, {"reponse": "oui"}, NO, NO, {"reponse": "oui"}):
        assert client.post(path, data=data).status_code == 302

    assert [status_of(one) for one in asked] == [ProposalStatus.ACCEPTED, ProposalStatus.PENDING]
    assert traces() == 3


DAY = "2027-02-30"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "reponse"),
        ({"reponse": "accepted"}, "reponse"),
        ({"reponse": "non"}, "reason"),
        ({"reponse": "non", "reason": "emperor"}, "reason"),
        (NO | {"comment": "x" * 501}, "comment"),
        ({"reponse": "plus-tard"}, "until"),
        ({"reponse": "plus-tard", "until": DAY}, "until"),
        ({"reponse": "plus-tard", "until": today().isoformat()}, "until"),
        ({"reponse": "plus-tard", "until": (today() + timedelta(days=62)).isoformat()}, "until"),
        ({"reponse": "plus-tard", "until": "9999-12-31"}, "until"),
    ],
)
def test_what_is_missing_is_asked_for_again(client, mine, path, data, field):
    response = client.post(path, data=data)

    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert (status_of(mine), traces()) == (ProposalStatus.PENDING, 0)


def test_what_belongs_to_another_answer_is_not_read(client, mine, path):
    response = client.post(path, data={"reponse": "oui", "reason": "emperor", "comment": "x" * 900, "until": DAY})

    assert response.status_code == 302
    db.session.expire_all()
    assert (mine.status, mine.decline_reason, mine.decline_comment) == (ProposalStatus.ACCEPTED, None, "")


def in_days(number: int) -> str:
    return (today() + timedelta(days=number)).isoformat()


@pytest.mark.parametrize(
    ("data", "bounds"),
    [
        ({"reason": "no_time", "not_before": in_days(30)}, Bounds(not_before=today() + timedelta(days=30))),
        ({"reason": "no_time", "not_before": ""}, Bounds()),
        ({"reason": "wrong_volume", "least_volume": "0,5", "most_volume": "12"}, Bounds(least=Decimal("0.5"), most=Decimal(12), unit=Unit.PEOPLE)),
        ({"reason": "wrong_fit", "never_again": "y"}, Bounds(never=True)),
        # What belongs to another reason is not read.
        ({"reason": "too_far", "not_before": "x", "least_volume": "x", "most_volume": "-3"}, Bounds()),
    ],
)
def test_a_no_says_what_later_computations_should_know(client, mine, path, data, bounds):
    assert client.post(path, data={"reponse": "non", **data}).status_code == 302
    assert client.post(path, data={"reponse": "non", **data}).status_code == 302

    db.session.expire_all()
    assert Bounds.of(mine) == bounds
    assert traces() == 1
    page = client.get(path).text
    assert ("checked" in re.search(r"<input[^>]*never_again[^>]*>", page)[0]) == bounds.never


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"reason": "no_time", "not_before": in_days(0)}, "not_before"),
        ({"reason": "no_time", "not_before": in_days(400)}, "not_before"),
        ({"reason": "no_time", "not_before": "31/02"}, "not_before"),
        ({"reason": "wrong_volume", "least_volume": "beaucoup"}, "least_volume"),
        ({"reason": "wrong_volume", "most_volume": "0"}, "most_volume"),
        ({"reason": "wrong_volume", "least_volume": "9", "most_volume": "3"}, "most_volume"),
        ({"reason": "wrong_volume", "most_volume": "nan"}, "most_volume"),
    ],
)
def test_what_cannot_be_asked_is_said_beside_its_field(client, mine, path, data, field):
    response = client.post(path, data={"reponse": "non", **data})

    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert (status_of(mine), traces()) == (ProposalStatus.PENDING, 0)


def test_a_yes_after_a_no_asks_for_nothing_any_more(client, mine, path):
    client.post(path, data={"reponse": "non", "reason": "wrong_fit", "never_again": "y"})
    client.post(path, data={"reponse": "oui", "never_again": "y"})

    db.session.expire_all()
    assert (mine.status, Bounds.of(mine)) == (ProposalStatus.ACCEPTED, Bounds())


def test_never_again_says_what_else_is_withdrawn_and_another_mind_brings_it_back(client, app, asked, mine, path):
    back = MatchFactory(need=NeedFactory(organisation=asked[1].organisation), offer=OfferFactory(organisation=mine.organisation))
    theirs, other = proposals_of(back)
    db.session.commit()

    page = client.post(path, data={"reponse": "non", "reason": "other", "never_again": "y"}, follow_redirects=True)

    assert "L’autre proposition qui vous liait à cette structure est retirée aussi" in words(page.text)
    assert [status_of(one) for one in (theirs, other)] == [ProposalStatus.WITHDRAWN] * 2
    over = client.get(path_of(app, other))
    assert over.status_code == 410
    assert "Vous avez demandé à ne plus être mis en relation avec cette structure" in words(over.text)
    # The other side does not learn it.
    closed = client.get(path_of(app, theirs))
    assert closed.status_code == 410
    assert "Vous avez demandé" not in words(closed.text)
    client.sign_in(UserFactory(organisation=mine.organisation))
    assert "vous ne souhaitez plus être mis en relation" in words(client.get("/propositions?onglet=done").text)

    client.post(path, data={"reponse": "oui"})

    assert [status_of(one) for one in (theirs, other)] == [ProposalStatus.PENDING] * 2
    assert client.get(path_of(app, other)).status_code == 200


@pytest.mark.parametrize("token", ["x", "W10.x", "%00", "a" * 3000, "WzEsMV0.x"])
def test_a_link_that_we_did_not_sign_leads_nowhere(client, token):
    assert client.get(f"/reponses/{token}").status_code == 404
    assert client.post(f"/reponses/{token}", data={"reponse": "oui"}).status_code == 404


def test_one_altered_letter_is_enough(client, mine, path):
    for place in range(len("/reponses/"), len(path), 3):
        altered = path[:place] + ("A" if path[place] != "A" else "B") + path[place + 1 :]
        assert client.post(altered, data={"reponse": "oui"}).status_code == 404

    assert status_of(mine) is ProposalStatus.PENDING


def test_a_key_for_another_purpose_opens_nothing(client, app, mine):
    from itsdangerous import URLSafeSerializer

    other = URLSafeSerializer(app.config["SECRET_KEY"], salt="invitation").dumps([str(mine.id), 1])

    assert client.get(f"/reponses/{other}").status_code == 404


def test_an_older_link_points_to_the_newer_mail(client, mine, path):
    mine.token_version = 2
    db.session.commit()

    response = client.get(path)

    assert response.status_code == 410
    assert "plus récent" in response.text


@pytest.mark.parametrize("is_swept", [False, True])
def test_past_its_day_the_page_says_so_and_a_yes_is_welcome_all_the_same(client, mine, path, is_swept):
    with time_machine.travel(mine.proposed_at + timedelta(days=16), tick=False):
        if is_swept:
            proposal_ends.expire_due(today=today(), settings=mail_settings())
            db.session.commit()
        before, refused = client.get(path), client.post(path, data=NO)
        late = client.post(path, data=forms(before.text)[-1].filled())
        after = client.get(path)

    assert (before.status_code, refused.status_code, late.status_code, after.status_code) == (410, 410, 302, 200)
    assert heading(before.text) == "Le temps de répondre est passé"
    assert status_of(mine) is ProposalStatus.ACCEPTED
    assert ("Votre oui est gardé" if is_swept else "Votre réponse est notée : oui") in words(after.text)


@pytest.mark.parametrize(("is_mine", "whose"), [(True, "Votre annonce est en pause ou fermée"), (False, "L’annonce de l’autre structure est en pause")])
@pytest.mark.parametrize("status", [Status.PAUSED, Status.CLOSED])
def test_a_declaration_that_no_longer_looks_is_a_conflict_and_says_whose(client, mine, path, status, is_mine, whose):
    declaration = mine.own_declaration if is_mine else mine.their_declaration
    declaration.status = status
    proposal_ends.end_of_declaration(declaration, settings=mail_settings())
    db.session.commit()

    shown, sent = client.get(path), client.post(path, data={"reponse": "oui"})

    assert (shown.status_code, sent.status_code) == (409, 409)
    assert whose in words(sent.text)
    assert (status_of(mine), traces()) == (ProposalStatus.WITHDRAWN, 0)


def test_a_question_that_was_taken_back_is_gone(client, mine, path):
    mine.status, mine.match.status = ProposalStatus.WITHDRAWN, MatchStatus.PREVIEW
    mine.own_declaration.territory.contact_email = "orne@animation.test"
    db.session.commit()

    response = client.post(path, data={"reponse": "oui"})

    assert response.status_code == 410
    assert "continue de chercher, vous n’avez rien à faire" in words(response.text)
    assert "mailto:orne@animation.test" in response.text
    assert traces() == 0


def test_two_yes_show_the_next_step_without_the_contact(client, app, asked):
    for proposal in asked:
        assert client.post(path_of(app, proposal), data={"reponse": "oui"}).status_code == 302
    path = path_of(app, asked[0])

    page, late = client.get(path), client.post(path, data=NO)

    assert (page.status_code, late.status_code, client.post(path, data={"reponse": "oui"}).status_code) == (200, 409, 302)
    assert heading(page.text) == "Vous et Atelier du Lin vous êtes dit oui"
    assert "Un appel dans la semaine" in words(page.text)
    assert "contact@lin.test" not in page.text
    assert "02 33 44 55 66" not in words(page.text)
    assert "Rien n’a changé." in words(late.text)
    db.session.expire_all()
    assert asked[0].match.is_mutual
    assert len(db.session.scalars(select(OutboxMail)).all()) == 2


def test_a_yes_after_the_place_was_taken_is_kept_and_told_politely(client, app, asked, mine):
    MatchFactory(need=mine.match.need, offer=OfferFactory(), run=RunFactory(), mutual=True)
    db.session.commit()
    path = path_of(app, asked[1])

    response = client.post(path, data={"reponse": "oui"})
    after = client.get(path)

    assert (response.status_code, after.status_code) == (302, 200)
    assert status_of(asked[1]) is ProposalStatus.ACCEPTED
    assert heading(after.text) == "Votre oui est gardé"
    assert "Entre-temps, la place a été prise." in words(after.text)


def test_an_account_is_told_the_same(client, asked):
    MatchFactory(need=asked[0].match.need, offer=OfferFactory(), run=RunFactory(), mutual=True)
    client.sign_in(UserFactory(organisation=asked[1].organisation))
    db.session.commit()

    page = client.post(f"/propositions/{asked[1].id}/oui", follow_redirects=True).text

    assert "Votre oui est gardé. Entre-temps, la place a été prise" in words(page)


def test_both_sides_see_when_a_postponed_answer_is_due(client, app, asked):
    until = today() + timedelta(days=25)
    client.post(path_of(app, asked[1]), data={"reponse": "oui"})
    client.post(path_of(app, asked[0]), data={"reponse": "plus-tard", "until": until.isoformat()})

    seen = []
    for proposal, tab in ((asked[0], "todo"), (asked[1], "waiting")):
        client.sign_in(UserFactory(organisation=proposal.organisation))
        seen.append(words(client.get(f"/propositions?onglet={tab}").text))

    day = f"{until.day} " if until.day > 1 else "1er "
    assert "Votre réponse est attendue le" in seen[0]
    assert "leur réponse est attendue le" in seen[1]
    assert all(day in text for text in seen)


def test_the_address_is_kept_from_other_sites_engines_caches_and_animators(client, app, asked, path):
    for response in (client.get(path), client.post(path, data={"reponse": "oui"}), client.get("/reponses/x")):
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert response.headers["Cache-Control"] == "no-store"
    proposals.announce(asked[0].organisation, asked[:1], settings=mail_settings())
    [mail] = db.session.scalars(select(OutboxMail))
    assert path not in mails.text_of(mail)


def test_one_mail_has_a_link_for_each_answer_to_each_question(app, client):
    organisation = OrganisationFactory()
    asked = [proposals_of(MatchFactory(need=NeedFactory(organisation=organisation), run=RunFactory()))[0] for _number in range(2)]
    proposals.announce(organisation, asked, settings=mail_settings())
    db.session.commit()

    [mail] = db.session.scalars(select(OutboxMail))
    message = email.message_from_bytes(mail.message, policy=email.policy.default)
    for kind in ("plain", "html"):
        content = message.get_body((kind,)).get_content()
        for proposal in asked:
            for choice in ("oui", "plus-tard", "non"):
                assert f"http://croisee.test{path_of(app, proposal)}?reponse={choice}" in content
    links = re.findall(r"http://croisee\.test(/reponses/\S+)", message.get_body(("plain",)).get_content())
    assert [client.get(link).status_code for link in links] == [200] * 6


def test_what_others_wrote_is_shown_as_text(client, app, asked):
    asked[1].match.offer.title = asked[1].organisation.name = "<script>alert(1)</script>"
    db.session.commit()

    assert "<script>alert(1)" not in client.get(path_of(app, asked[0])).text


def test_the_page_asks_the_database_as_often_whatever_else_there_is(client, mine, path, queries):
    def count() -> int:
        db.session.commit()
        db.session.remove()
        queries.clear()
        assert client.get(path).status_code == 200
        return len(queries)

    organisation = mine.organisation
    one = count()
    for _number in range(5):
        proposals_of(MatchFactory(need=NeedFactory(organisation=db.session.merge(organisation)), run=RunFactory()))

    assert count() == one
