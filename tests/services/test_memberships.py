"""Who administers a structure, and how long the ways into it are kept."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import CompanyRecord, JoinRequest, MemberInvitation, Organisation, Role, SignUp, Standing, User
from matchmaker.models.base import now
from matchmaker.services import accounts, memberships, personal_data_erasing, retention
from matchmaker.services.errors import LastAdministrator
from matchmaker.web.settings import mail_settings
from tests.factories import OrganisationFactory, UserFactory, departement

PASSWORD = "une phrase assez longue"


@pytest.fixture
def structure(app: Flask) -> Organisation:
    organisation: Organisation = OrganisationFactory()
    return organisation


def opened(structure: Organisation, email: str, **fields: object) -> User:
    return accounts.create_account(email=email, password=PASSWORD, organisation=structure, **fields)  # type: ignore[arg-type]


def test_each_standing_may_what_those_below_it_may() -> None:
    assert [[one.reaches(other) for other in Standing] for one in Standing] == [[True, False, False], [True, True, False], [True, True, True]]
    assert User(role=Role.ANIMATOR, standing=Standing.READER).may_write, "who speaks for no structure is bound by the role alone"


def test_who_comes_first_administers_and_who_comes_later_edits(structure: Organisation) -> None:
    first, second = opened(structure, "a@site.test"), opened(structure, "b@site.test", role=Role.HOST)
    third = opened(structure, "c@site.test", standing=Standing.READER)

    assert [user.standing for user in (first, second, third)] == [Standing.ADMINISTRATOR, Standing.EDITOR, Standing.READER]


def test_who_moves_to_another_structure_or_role_leaves_no_structure_without_an_administrator(structure: Organisation) -> None:
    chief, editor = UserFactory(organisation=structure), UserFactory(organisation=structure, editor=True)
    other = OrganisationFactory()

    accounts.change_duties(chief, role=Role.MEMBER, organisation=other, territories=[])
    assert (editor.standing, chief.standing) == (Standing.ADMINISTRATOR, Standing.ADMINISTRATOR)

    accounts.change_duties(editor, role=Role.ANIMATOR, organisation=None, territories=[departement()])
    assert memberships.administrators(structure) == []
    assert memberships.members(structure) == []


def test_the_eldest_editor_takes_over_from_who_is_erased(structure: Organisation) -> None:
    chief = UserFactory(organisation=structure)
    reader = UserFactory(organisation=structure, reader=True, created_at=now() - timedelta(days=9))
    young, old = (UserFactory(organisation=structure, editor=True, created_at=now() - timedelta(days=days)) for days in (1, 5))

    personal_data_erasing.erase(chief, settings=mail_settings())

    assert [(user.id, user.standing) for user in (reader, young, old)] == [
        (reader.id, Standing.READER),
        (young.id, Standing.EDITOR),
        (old.id, Standing.ADMINISTRATOR),
    ]


def test_a_closed_account_of_the_structure_is_no_other_administrator(structure: Organisation) -> None:
    chief = UserFactory(organisation=structure)
    UserFactory(organisation=structure, is_active=False)

    with pytest.raises(LastAdministrator):
        memberships.leave(chief)
    with pytest.raises(LastAdministrator):
        memberships.change_standing(chief, Standing.EDITOR)


def test_ways_in_that_are_over_go_at_night(structure: Organisation) -> None:
    at = now()
    ages = {"old": at - timedelta(days=40), "young": at - timedelta(days=20)}
    for name, made in ages.items():
        ends = {"token_hash": name, "created_at": made, "expires_at": made + timedelta(days=7)}
        db.session.add(SignUp(email=f"{name}@site.test", name="Lou", password_hash="h", structure={}, **ends))
        db.session.add(MemberInvitation(organisation=structure, email=f"{name}@site.test", standing=Standing.READER, **ends))
    for email, decided in (("a@site.test", at - timedelta(days=400)), ("b@site.test", at - timedelta(days=300))):
        db.session.add(JoinRequest(organisation=structure, email=email, name="Lou", decided_at=decided, is_accepted=False))
    for siret, days in (("73282932000074", 61), ("73282932000082", 59)):
        db.session.add(CompanyRecord(number=siret, told={}, fetched_at=at - timedelta(days=days)))
    db.session.flush()

    assert retention.forget_ways_in(at=at) == 4

    left = {model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) for model in (SignUp, MemberInvitation, JoinRequest, CompanyRecord)}
    assert left == {"sign_up": 1, "member_invitation": 1, "join_request": 1, "company_record": 1}
