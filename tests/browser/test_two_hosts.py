"""Two people of one house change the same job dating at once, each in front of their own screen: the second sees both versions."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from matchmaker.extensions import db
from matchmaker.models import JobDating
from matchmaker.models.base import now
from matchmaker.services import job_datings
from tests.browser.conftest import Person, Site
from tests.browser.test_day import database
from tests.factories import PASSWORD, JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue

HOSTS = ("une.main@structure.test", "autre.main@structure.test")


@pytest.fixture
def draft(site: Site) -> UUID:
    """Two structures that meet, at a house of two hosts."""
    with database(site):
        place = venue(tables=2)
        for email in HOSTS:
            UserFactory(host=True, organisation=place.organisation, email=email)
        dating = JobDatingFactory(venue=place, title="Matinée à deux mains", starts_at=now() + timedelta(days=9), ends_at=now() + timedelta(days=9, hours=3))
        need, offer = NeedFactory(organisation=OrganisationFactory(name="Cantine")), OfferFactory(organisation=OrganisationFactory(name="Moulin"))
        job_datings.choose(dating, [MatchFactory(mutual=True, need=need, offer=offer)])
        db.session.commit()
        return dating.id


def people(site: Site, dating_id: UUID) -> dict[str, int]:
    with database(site):
        return {one.organisation.name: one.delegates for one in db.session.get_one(JobDating, dating_id).participants}


def test_the_second_of_two_hosts_sees_both_versions_and_chooses(site: Site, person: Callable[..., Person], draft: UUID) -> None:
    first, second = person(), person(360)
    for host, email in zip((first, second), HOSTS, strict=True):
        host.sign_in(email, PASSWORD)
        host.go(f"/mes-job-datings/{draft}")

    first.page.get_by_label("Personnes de Cantine").fill("2")
    first.click("Enregistrer et recalculer")
    assert "Le plan est recalculé" in first.page.inner_text("body")

    statuses: list[int] = []
    second.page.on("response", lambda answer: statuses.append(answer.status) if answer.request.method == "POST" else None)
    second.page.get_by_label("Personnes de Moulin").fill("3")
    second.click("Enregistrer et recalculer")

    assert statuses == [409]
    told = second.text.replace("\u00a0", " ")
    assert "Quelqu’un d’autre vient de changer ce job dating" in told
    assert "Rien de ce que vous avez envoyé n’est enregistré." in told
    for name, mine, stored in (("Cantine", "1 personne", "2 personnes"), ("Moulin", "3 personnes", "1 personne")):
        row = second.page.get_by_role("row").filter(has_text=name)
        assert [text.replace("\u00a0", " ") for text in row.get_by_role("cell").all_inner_texts()] == [mine, stored]
    assert people(site, draft) == {"Cantine": 2, "Moulin": 1}

    second.click("Reprendre ma version")
    assert statuses[0] == 409
    assert people(site, draft) == {"Cantine": 1, "Moulin": 3}
    second.look()
