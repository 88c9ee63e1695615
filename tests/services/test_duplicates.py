"""Structures that are in the directory twice: found, merged without losing a row, or told apart."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from matchmaker.extensions import db
from matchmaker.models import (
    Base,
    CommunityMember,
    ContactView,
    ContactWay,
    DeclarationDraft,
    DirectoryReport,
    EssLabel,
    Feedback,
    MergedOrganisation,
    Organisation,
    Period,
    SolicitationCount,
    Standing,
    User,
    Wish,
)
from matchmaker.models.base import now, today
from matchmaker.services import duplicates, memberships
from matchmaker.services.duplicates import Bond, CannotMerge, Why
from tests.factories import (
    FractionFactory,
    JobDatingFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    ParticipantFactory,
    UserFactory,
    departement,
    group,
    mutual_match,
    proposals_of,
    search_question,
)
from tests.factories import (
    kept as kept_in_list,
)
from tests.world import own_ids

# Where the identifier of an entry that is no more may still stand: the note of the merge, and keys of mails that left.
REMEMBERED = {"merged_organisation", "outbox_mail"}
# Tables that are merged by a rule of their own: see the tests below.
RULED = {"contact_view", "distinct_organisations", "merged_organisation"}


@pytest.fixture
def animator(app: Flask) -> User:
    user: User = UserFactory(animator=True)
    return user


def two(**fields: Any) -> tuple[Organisation, Organisation]:
    first = OrganisationFactory(name="Les Ateliers du Bocage", **fields)
    second = OrganisationFactory(name="Ateliers du bocage")
    db.session.flush()
    return first, second


def counted() -> dict[str, int]:
    return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in Base.metadata.sorted_tables}


def mentioning(organisation_id: UUID) -> dict[str, int]:
    """Rows that hold this identifier anywhere: in any column of any table, JSON and texts included."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in {"commune", "territory"}:
            says = text(f'SELECT count(*) FROM "{table.name}" AS entry WHERE entry::text LIKE :words')
            found[table.name] = db.session.scalar(says, {"words": f"%{organisation_id}%"}) or 0
    return {name: count for name, count in found.items() if count}


def everything_of(gone: Organisation) -> None:
    """A row of the structure in each table that names one, but for those that have rules, and tests, of their own."""
    ids = own_ids(gone, UserFactory(organisation=gone, host=True))
    db.session.add_all(
        [
            CommunityMember(organisation=gone, territory=departement()),
            DeclarationDraft(organisation_id=gone.id, side="need", category="purchase", answers={"title": ["Un local"]}),
            DirectoryReport(organisation=gone, reason="other", note="Elle a déménagé."),
            Feedback(meeting_id=ids["meeting_id"], organisation=gone, is_useful=True),
            Wish(participant=ParticipantFactory(), organisation=gone, kind="meet"),
        ]
    )
    search_question(by=gone)
    kept_in_list(by=UserFactory(), supplier=gone)
    db.session.flush()


def test_all_that_one_had_is_the_others_and_nothing_is_left_behind(app: Flask, animator: User) -> None:
    kept, gone = two()
    everything_of(gone)
    held = {name: count for name, count in mentioning(gone.id).items() if name != "organisation"}
    assert {table.name for table in duplicates.references()} - held.keys() == RULED, "the world of the test has rows in all other tables"
    before, gone_id = counted(), gone.id

    note = duplicates.merge(kept, gone, by=animator)

    assert set(mentioning(gone_id)) <= REMEMBERED
    assert mentioning(kept.id).keys() >= held.keys() - REMEMBERED
    after = counted()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "organisation": -1,
        "search_entry": -1,
        "merged_organisation": 1,
        "user_session": before["user_session"] * -1,
    }
    assert (note.old_id, note.kept_id, note.merged_by_id, note.sheet["name"]) == (gone_id, kept.id, animator.id, "Ateliers du bocage")
    assert note.moved["need"] >= 3


def test_every_column_that_names_a_structure_is_known_to_the_merge() -> None:
    named = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("organisation_id") or any(key.column.table.name == "organisation" for key in column.foreign_keys)
    }

    assert named == {(table.name, column.name) for table, columns in duplicates.references().items() for column in columns}


def test_the_sheet_that_stays_is_filled_in_and_never_written_over(app: Flask, animator: User) -> None:
    kept, gone = two(siret="73282932000074", phone="", description="", source="liste")
    gone.siret, gone.rna, gone.phone, gone.description = "73282932000082", "W611000001", "02 33 00 00 09", "Réemploi de bois."
    gone.ess_label, gone.esus_until, gone.email = EssLabel.VERIFIED, today() + timedelta(days=90), "autre@ateliers.test"
    mail = kept.email

    duplicates.merge(kept, gone, by=animator)

    assert (kept.siret, kept.rna, kept.phone, kept.description) == ("73282932000074", "W611000001", "02 33 00 00 09", "Réemploi de bois.")
    assert (kept.ess_label, kept.esus_until, kept.email, kept.source) == (EssLabel.VERIFIED, today() + timedelta(days=90), mail, "inscription")
    assert db.session.scalars(select(MergedOrganisation.sheet)).one()["siret"] == "73282932000082"


def test_people_of_both_are_one_team(app: Flask, animator: User) -> None:
    kept, gone = two()
    UserFactory(organisation=kept, name="Anne")
    UserFactory(organisation=gone, name="Béa", editor=True)

    duplicates.merge(kept, gone, by=animator)

    assert [(user.name, user.standing) for user in memberships.members(kept)] == [("Anne", Standing.ADMINISTRATOR), ("Béa", Standing.EDITOR)]


def test_how_often_both_were_asked_adds_up(app: Flask, animator: User) -> None:
    kept, gone = two()
    month, other = date(2026, 11, 1), date(2026, 10, 1)
    for organisation, starts_on, count in ((kept, month, 5), (gone, month, 4), (gone, other, 2)):
        db.session.add(SolicitationCount(organisation_id=organisation.id, period=Period.MONTH, starts_on=starts_on, count=count, ceiling=6))
    db.session.flush()

    duplicates.merge(kept, gone, by=animator)

    found = db.session.execute(select(SolicitationCount.organisation_id, SolicitationCount.starts_on, SolicitationCount.count, SolicitationCount.ceiling))
    assert sorted(map(tuple, found), key=lambda row: row[1]) == [(kept.id, other, 2, 6), (kept.id, month, 9, 9)]


def test_who_looked_at_whose_contact_details_is_kept_as_it_was(app: Flask, animator: User) -> None:
    kept, gone = two()
    match = mutual_match(need=NeedFactory(organisation=gone), offer=OfferFactory())
    at = now() - timedelta(days=3)
    db.session.add(
        ContactView(organisation_id=gone.id, match_id=match.id, viewer_organisation_id=match.offer.organisation_id, way=ContactWay.MAIL, viewed_at=at)
    )
    db.session.flush()
    before = db.session.scalars(select(ContactView.id)).one()

    duplicates.merge(kept, gone, by=animator)

    view = db.session.scalars(select(ContactView)).one()
    assert (view.id, view.organisation_id, view.viewed_at) == (before, kept.id, at)


def matched(kept: Organisation, gone: Organisation) -> None:
    proposals_of(MatchFactory(need=NeedFactory(organisation=kept), offer=OfferFactory(organisation=gone)))


def in_one_group(kept: Organisation, gone: Organisation) -> None:
    group(FractionFactory(organisation=kept), FractionFactory(organisation=gone), proposed=True)


def invited_together(kept: Organisation, gone: Organisation) -> None:
    job_dating = JobDatingFactory()
    for organisation in (kept, gone):
        ParticipantFactory(job_dating=job_dating, organisation=organisation)


@pytest.mark.parametrize(("tie", "bond"), [(matched, Bond.MATCHED), (in_one_group, Bond.SHARED_JOB), (invited_together, Bond.INVITED)])
def test_what_only_two_can_have_together_is_settled_first_and_nothing_has_changed(app: Flask, animator: User, tie: Any, bond: Bond) -> None:
    kept, gone = two()
    UserFactory(organisation=gone)
    tie(kept, gone)
    db.session.flush()
    before, held = counted(), duplicates.holdings(gone)

    with pytest.raises(CannotMerge) as refusal:
        duplicates.merge(kept, gone, by=animator)

    assert refusal.value.bond is bond
    assert (counted(), duplicates.holdings(gone)) == (before, held)


def test_a_conflict_that_nobody_foresaw_undoes_everything(app: Flask, animator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, gone = two()
    invited_together(kept, gone)
    db.session.flush()
    held = duplicates.holdings(gone)
    monkeypatch.setattr(duplicates, "refuse_bonds", lambda kept, gone: None)

    with pytest.raises(CannotMerge):
        duplicates.merge(kept, gone, by=animator)

    assert duplicates.holdings(gone) == held
    assert db.session.scalar(select(func.count()).select_from(Organisation).where(Organisation.id.in_((kept.id, gone.id)))) == 2


def test_a_merge_of_a_merge_leads_to_the_last_one(app: Flask, animator: User) -> None:
    kept, gone = two()
    first = OrganisationFactory(name="A. du bocage")
    first_id, gone_id = first.id, gone.id

    duplicates.merge(gone, first, by=animator)
    duplicates.merge(kept, gone, by=animator)

    assert {note.old_id: note.kept_id for note in db.session.scalars(select(MergedOrganisation))} == {first_id: kept.id, gone_id: kept.id}


def test_pairs_are_those_of_one_commune_with_one_siren_or_nearly_one_name(app: Flask, animator: User) -> None:
    kept, gone = two()
    seat, branch = OrganisationFactory(name="La Ruche", siret="73282932000074"), OrganisationFactory(name="Zinc et Cie", siret="73282932000082")
    OrganisationFactory(name="Ateliers du bocage", at="Caen (14)")
    OrganisationFactory(name="Épicerie du coin")
    db.session.flush()

    found = [({pair.first.id, pair.second.id}, pair.why) for pair in duplicates.pairs(animator)]

    assert found == [({seat.id, branch.id}, Why.SIREN), ({kept.id, gone.id}, Why.NAME)]
    assert duplicates.pairs(UserFactory(animator=True, territories=[departement("14")])) == []


def test_two_that_were_told_apart_are_shown_no_more(app: Flask, animator: User) -> None:
    kept, gone = two()

    for _time in range(2):
        duplicates.tell_apart(gone, kept, by=animator)

    assert duplicates.pairs(animator) == []
