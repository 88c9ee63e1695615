"""An animator works through the queue without a mouse."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from sqlalchemy import select

from config import TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import Proposal, ProposalStatus, Side, User
from tests.browser.conftest import Person, Site
from tests.factories import UserFactory


class Question(NamedTuple):
    """A proposal by its id, the title of its need, and who answers for the side of the offer."""

    id: str
    title: str
    email: str


def focused(someone: Person) -> str:
    return str(someone.page.evaluate("document.activeElement.textContent.trim()"))


def focused_row(someone: Person) -> int:
    """Which row of the list the focus is in, from 0; -1 outside of it."""
    return int(someone.page.evaluate("[...document.querySelectorAll('[data-roving] > *')].findIndex((row) => row.contains(document.activeElement))"))


def test_the_queue_is_worked_through_by_the_keyboard(person: Callable[..., Person]) -> None:
    ana = person()
    ana.sign_in("animateur@demo.croisee.test")
    ana.go("/a-faire?quoi=silent")
    before = int(ana.page.locator("h1").inner_text().split()[0].replace("\u00a0", ""))
    rows = ana.page.locator("[data-roving] > *")
    assert rows.count() >= 3

    # one row at a time is on the way of Tab; j and k go from row to row
    ana.page.locator("[data-roving-to]").first.focus()
    for key, row in (("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("k", 0)):
        ana.page.keyboard.press(key)
        assert focused_row(ana) == row
    ana.page.keyboard.press("Tab")
    assert "Je m’en occupe" in focused(ana)
    for _key in range(8):
        ana.page.keyboard.press("Tab")
        if focused_row(ana) == -1:
            break
    assert focused_row(ana) == -1

    # a letter presses the button of the row
    ana.page.locator("[data-roving-to]").first.focus()
    name = focused(ana)
    with ana.page.expect_navigation():
        ana.page.keyboard.press("m")
    ana.look()
    assert "vous vous en occupez" in ana.text
    ana.page.locator("[data-roving-to]").first.focus()
    assert focused(ana) == name
    ana.page.keyboard.press("f")
    assert rows.first.get_by_label("Pourquoi est-ce fait").is_visible()
    ana.look()
    with ana.page.expect_navigation():
        ana.page.keyboard.press("p")
    ana.look()
    assert f"{before - 1} choses" in ana.page.locator("h1").inner_text().replace("\u00a0", " ")

    # back as it was
    ana.click("Annuler")
    assert "C’est annulé" in ana.text
    assert f"{before} choses" in ana.page.locator("h1").inner_text().replace("\u00a0", " ")

    # the call sheet opens by Enter
    ana.page.locator("[data-roving-to]").first.focus()
    with ana.page.expect_navigation():
        ana.page.keyboard.press("Enter")
    ana.look()
    assert "Ce qui a été dit" in ana.text


def test_the_queue_and_a_call_sheet_hold_on_a_phone(person: Callable[..., Person]) -> None:
    ana = person(360)
    ana.sign_in("animateur@demo.croisee.test")
    ana.go("/a-faire?quoi=silent")
    ana.page.locator("[data-roving-to]").first.click()
    ana.settle()
    ana.page.locator("details", has_text="Répondre à sa place").first.locator("summary").click()
    ana.look()

    assert ana.page.locator("a[href^='tel:']").count() >= 1


@pytest.fixture
def unanswered(site: Site) -> Iterator[list[Question]]:
    """The questions that neither side has answered, each with an account of its structure: other tests answer those of the demonstration's members."""
    app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=site.env["DATABASE_URL"], REDIS_URL=site.env["REDIS_URL"])
    with app.app_context():
        animator = db.session.scalars(select(User).where(User.email == "animateur@demo.croisee.test")).one()
        answered = select(Proposal.match_id).where(Proposal.status != ProposalStatus.PENDING)
        live = select(Proposal).where(Proposal.side == Side.OFFER, Proposal.status == ProposalStatus.PENDING, Proposal.match_id.not_in(answered))
        found = []
        for proposal in db.session.scalars(live.order_by(Proposal.id)).all():
            if animator.looks_after(proposal.match.need.territory):
                member = UserFactory(organisation=proposal.organisation, password_hash=animator.password_hash, email=f"{proposal.id}@structure.test")
                found.append(Question(str(proposal.id), proposal.match.need.title, member.email))
        db.session.commit()
        yield found
        db.session.remove()
        db.engine.dispose()


def with_its_sheet(ana: Person, questions: list[Question]) -> Question:
    """The first of them whose need is silent, with the call sheet of its need open before the animator."""
    for page in range(1, 6):
        ana.go(f"/a-faire?quoi=silent&page={page}")
        for question in questions:
            row = ana.page.locator("li.lc-queue-row", has_text=question.title)
            if row.count():
                row.first.locator("[data-roving-to]").click()
                ana.settle()
                ana.look()
                assert ana.page.locator(f"form[action$='{question.id}']").count() == 1
                return question
    raise AssertionError(questions)


def test_what_was_noted_for_a_structure_is_taken_back_by_it_on_a_phone(unanswered: list[Question], person: Callable[..., Person]) -> None:
    member, ana = person(360), person(360)
    ana.sign_in("animateur@demo.croisee.test")
    question = with_its_sheet(ana, unanswered)
    member.sign_in(question.email)
    sheet, form = ana.page.url, ana.page.locator(f"form[action$='{question.id}']")
    card = member.page.locator("article.lc-proposal", has=member.page.locator(f"#proposition-{question.id}"))

    # somebody said « no » on the telephone: without their words and their consent nothing is written down
    ana.page.locator("details", has=form).locator("summary").click()
    form.get_by_label("Non merci").check()
    ana.look()
    form.get_by_role("button", name="Enregistrer sa réponse").click()
    ana.settle()
    ana.look()
    assert "Sans son accord, laissez-la répondre elle-même." in ana.text
    form.get_by_label("Non merci").check()
    form.get_by_label("Qui vous l’a dit").fill("Mme Roux\u00a0: trop de travail en ce moment")
    form.get_by_label("m’a demandé de répondre").check()
    form.get_by_role("button", name="Enregistrer sa réponse").click()
    ana.settle()
    ana.look()
    assert "Leur non est noté" in ana.text

    # the structure reads who wrote what, and says that it is not its answer
    member.go("/propositions?onglet=done")
    assert "Réponse donnée au téléphone" in card.inner_text()
    assert "Mme Roux" in card.inner_text()
    card.get_by_role("button", name="Ce n’est pas notre réponse").focus()
    with member.page.expect_navigation():
        member.page.keyboard.press("Enter")
    member.look()
    assert "La réponse notée est retirée. À vous de répondre." in member.text
    assert card.get_by_role("button", name="Oui, les rencontrer").is_visible()
    assert card.get_by_role("button", name="Ce n’est pas notre réponse").count() == 0

    # the animator finds the question open again, and what was written down stays on the sheet
    ana.page.goto(sheet)
    ana.look()
    assert form.count() == 1
