"""What was begun: one of each kind, kept as it was typed, gone after thirty days."""

from datetime import timedelta

from matchmaker.extensions import db
from matchmaker.models import Category, Side
from matchmaker.models.base import now
from matchmaker.services import drafts
from tests.factories import OrganisationFactory

FIELDS = ("title", "commune", "halfdays")


def keep(organisation, **answers):
    return drafts.keep(organisation, Side.NEED, Category.PURCHASE, {name: [value] for name, value in answers.items()}, fields=FIELDS)


def test_the_last_state_takes_the_place_of_the_one_before(app):
    organisation = OrganisationFactory()
    first = keep(organisation, title="Un traiteur", commune="Flers (61)")
    second = keep(organisation, title="Un traiteur bio")

    assert second.id == first.id
    assert second.answers == {"title": ["Un traiteur bio"]}
    assert second.title == "Un traiteur bio"
    assert drafts.drafts_of(organisation) == [second]


def test_each_structure_kind_and_category_has_its_own(app):
    mine, other = OrganisationFactory(), OrganisationFactory()
    draft = keep(mine, title="Un traiteur")

    assert drafts.draft_of(mine, Side.NEED, Category.PURCHASE) == draft
    assert drafts.draft_of(mine, Side.OFFER, Category.PURCHASE) is None
    assert drafts.draft_of(mine, Side.NEED, Category.JOB) is None
    assert drafts.draft_of(other, Side.NEED, Category.PURCHASE) is None


def test_only_fields_of_the_form_are_kept_and_no_more_than_a_person_types(app):
    organisation = OrganisationFactory()
    draft = drafts.keep(
        organisation, Side.NEED, Category.PURCHASE, {"title": ["x" * 9000], "is_admin": ["1"], "halfdays": [str(n) for n in range(500)]}, fields=FIELDS
    )

    assert set(draft.answers) == {"title", "halfdays"}
    assert len(draft.answers["title"][0]) == drafts.LONGEST
    assert len(draft.answers["halfdays"]) == drafts.MOST_VALUES


def test_a_draft_goes_when_it_is_an_announcement_or_after_thirty_days(app):
    organisation = OrganisationFactory()
    keep(organisation, title="Un traiteur")
    drafts.discard(organisation, Side.NEED, Category.PURCHASE)
    assert drafts.drafts_of(organisation) == []

    draft = keep(organisation, title="Un autre")
    drafts.forget_old(at=now() + timedelta(days=drafts.KEPT_DAYS - 1))
    assert drafts.drafts_of(organisation) == [draft]
    drafts.forget_old(at=now() + timedelta(days=drafts.KEPT_DAYS, minutes=1))
    db.session.expire_all()
    assert drafts.drafts_of(organisation) == []
