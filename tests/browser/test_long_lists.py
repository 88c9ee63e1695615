"""A host on a phone finds one structure among many, by finger and by keys, and what is folded is on paper all the same."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from matchmaker.extensions import db
from matchmaker.models import JobDating
from matchmaker.models.base import now
from matchmaker.services import job_datings
from tests.browser.conftest import Person, Site
from tests.browser.keyboard import Keyboard
from tests.browser.test_day import database
from tests.factories import PASSWORD, JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue

HOST = "hote.des.listes@structure.test"


@pytest.fixture
def draft(site: Site) -> UUID:
    """Twelve who look for something and as many who offer it: each may meet two of the others, and meets one."""
    with database(site):
        place = venue(tables=6)
        UserFactory(host=True, organisation=place.organisation, email=HOST)
        needs = [NeedFactory(organisation=OrganisationFactory(name=f"Fabrique {k + 1}")) for k in range(12)]
        offers = [OfferFactory(organisation=OrganisationFactory(name=f"Épicerie {k + 1}")) for k in range(12)]
        pairs = [MatchFactory(mutual=True, need=needs[k], offer=offers[(k + step) % 12]) for step in range(2) for k in range(12)]
        dating = JobDatingFactory(
            venue=place, title="Matinée aux longues listes", starts_at=now() + timedelta(days=9), ends_at=now() + timedelta(days=9, hours=4)
        )
        job_datings.choose(dating, pairs[:12])
        db.session.commit()
        return dating.id


def chosen(site: Site, dating_id: UUID) -> set[tuple[str, str]]:
    with database(site):
        meetings = db.session.get_one(JobDating, dating_id).meetings
        return {(one.match.need.organisation.name, one.match.offer.organisation.name) for one in meetings}


def test_one_structure_is_found_among_many_and_its_meeting_ticked(site: Site, person: Callable[..., Person], draft: UUID) -> None:
    host = person(360)
    host.sign_in(HOST, PASSWORD)
    host.go(f"/mes-job-datings/{draft}/choix")
    fold = host.page.locator("details[data-fold]").filter(has_text="Fabrique 7")
    assert "1 sur 2" in fold.locator("summary").inner_text().replace("\n", " ")
    assert not fold.get_by_role("checkbox").count()
    found = host.page.locator("[data-found]")
    tall = host.page.evaluate("document.documentElement.scrollHeight")

    # by keys alone: a name without its accents, then the box of the meeting
    keys = Keyboard(host)
    keys.fill(host.page.get_by_role("searchbox"), "epicerie 8 fabrique 7")
    found.filter(has_text="1\u00a0sur ").wait_for()
    shown = host.page.get_by_role("checkbox")
    assert shown.count() == 1
    assert not shown.is_checked()
    host.look()
    keys.press("Enter")
    assert host.page.url.endswith("/choix")
    keys.tick(shown)
    assert "2 sur 2" in fold.locator("summary").inner_text().replace("\n", " ")

    # all folds are closed again, all that was ticked is sent
    host.page.get_by_role("searchbox").fill("")
    assert not host.page.get_by_role("checkbox").count()
    assert host.page.evaluate("document.documentElement.scrollHeight") == tall
    host.page.get_by_role("searchbox").fill("personne de ce nom")
    found.filter(has_text="Rien ne répond à ces mots.").wait_for()
    host.page.get_by_role("searchbox").fill("")
    summary = fold.locator("summary")
    summary.focus()
    host.page.keyboard.press("Enter")
    assert fold.get_by_role("checkbox").count() == 2
    host.click("Planifier les tours")
    assert ("Fabrique 7", "Épicerie 8") in chosen(site, draft)
    assert len(chosen(site, draft)) == 13

    # the lists of structures have the same box
    for path in ("", "/invites"):
        host.go(f"/mes-job-datings/{draft}{path}")
        host.page.get_by_role("searchbox").fill("epicerie 12")
        found.filter(has_text="1\u00a0sur 24").wait_for()
        host.look()

    # paper has no folds
    host.go(f"/mes-job-datings/{draft}/choix")
    host.page.emulate_media(media="print")
    assert host.page.get_by_text("Épicerie 8").first.bounding_box()
    assert fold.locator("li").first.evaluate("row => row.checkVisibility({ contentVisibilityAuto: true })")
