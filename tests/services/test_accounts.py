"""Accounts: passphrases, what a role needs, who is found by what is typed, and the commands that open and list them."""

import re

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Role, User
from matchmaker.models.base import now
from matchmaker.services import accounts, sessions, territories
from matchmaker.services.errors import EmailTaken
from tests.factories import OrganisationFactory, UserFactory, departement

PASSWORD = "une phrase assez longue"
SIRET = "73282932000074"


def test_a_passphrase_is_long_and_none_is_like_another() -> None:
    made = {accounts.new_passphrase() for _ in range(200)}

    assert len(made) == 200
    assert all(re.fullmatch("([bdfgklmnprstv][aeiou]){3}(-([bdfgklmnprstv][aeiou]){3}){3}", passphrase) for passphrase in made)


def test_a_role_is_given_with_what_it_is_about_or_not_at_all(session: Session) -> None:
    structure, orne = OrganisationFactory(), departement()

    for role in (Role.MEMBER, Role.HOST):
        with pytest.raises(accounts.NoStructure):
            accounts.create_account(email="a@site.test", password=PASSWORD, role=role, territories=[orne])
    with pytest.raises(accounts.NoTerritory):
        accounts.create_account(email="a@site.test", password=PASSWORD, role=Role.ANIMATOR, organisation=structure)
    user = accounts.create_account(email="a@site.test", password=PASSWORD, role=Role.ADMIN)
    with pytest.raises(accounts.NoStructure):
        accounts.change_duties(user, role=Role.HOST, organisation=None, territories=[])

    assert user.role is Role.ADMIN
    with pytest.raises(EmailTaken):
        accounts.create_account(email="A@site.test", password=PASSWORD, role=Role.ADMIN)


def test_a_new_password_closes_what_the_old_one_opened(session: Session) -> None:
    user = UserFactory()
    key = sessions.begin(user)

    accounts.set_password(user, "une tout autre phrase")

    assert sessions.opened(key) is None
    assert not accounts.opens(user.password_hash, PASSWORD)
    assert accounts.opens(user.password_hash, "une tout autre phrase")


def test_a_structure_is_meant_by_its_number_or_by_its_whole_name(session: Session) -> None:
    numbered = OrganisationFactory(name="L’Étincelle", siret=SIRET)
    association = OrganisationFactory(name="Étincelle", rna="W751000001")

    assert accounts.structures_meant("732 829 320 00074") == [numbered]
    assert accounts.structures_meant("w751000001") == [association]
    assert accounts.structures_meant(" etincelle ") == [association]
    assert accounts.structures_meant("%") == accounts.structures_meant("44306184100047") == accounts.structures_meant("tincelle") == []


def test_a_territory_to_look_after_is_a_region_or_a_departement(session: Session) -> None:
    territories.load_region("24")

    assert [accounts.territory_to_give(text).name for text in ("28", "eure et loir", "61", "orne")] == ["Normandie", "Eure-et-Loir", "Orne", "Orne"]
    assert [accounts.territory_to_give(text) for text in ("99", "", territories.descendants(departement())[0].code)] == [None] * 3


def test_an_animator_cares_for_what_lies_inside(session: Session) -> None:
    region = territories.territory_by_code("28")

    assert [territory.code for territory in accounts.territories_in_care(UserFactory(animator=True, territories=[region]))] == [
        "28",
        "14",
        "27",
        "50",
        "61",
        "76",
    ]
    assert accounts.territories_in_care(UserFactory(animator=True)) == [departement()]
    assert accounts.territories_in_care(UserFactory()) == []


# The commands


def add(app: Flask, *arguments: str, typed: str | None = None) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["accounts", "add", *arguments], input=typed)
    return result.exit_code, result.output


def test_the_first_administrator_is_one_command(app: Flask) -> None:
    code, output = add(app, "Alix@site.test", "--role", "admin", "--name", "Alix")

    assert code == 0
    passphrase = re.fullmatch(r"alix@site\.test: admin\nPassphrase, shown this once: ([a-z-]{27})\n", output)
    assert passphrase
    user = accounts.sign_in(email="alix@site.test", password=passphrase[1], allow_demo=False)
    assert user
    assert (user.name, user.role, user.is_demo) == ("Alix", Role.ADMIN, False)


def test_an_animator_gets_territories_and_a_member_a_structure(app: Flask) -> None:
    structure = OrganisationFactory(siret=SIRET)

    assert add(app, "animation@site.test", "--role", "animator", "--territory", "28", "--territory", "Orne")[0] == 0
    assert add(app, "membre@site.test", "--role", "member", "--siret", "732 829 320 00074")[0] == 0

    animator, member = accounts.account_with("animation@site.test"), accounts.account_with("membre@site.test")
    assert animator
    assert member
    assert [territory.name for territory in animator.territories] == ["Normandie", "Orne"]
    assert (member.organisation, member.territories) == (structure, [])


def test_a_password_is_read_from_the_input_and_never_printed(app: Flask) -> None:
    code, output = add(app, "alix@site.test", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n")

    assert (code, output) == (0, "alix@site.test: admin\n")
    assert accounts.sign_in(email="alix@site.test", password=PASSWORD, allow_demo=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prise@site.test", "--role", "admin"], "prise@site.test has an account already."),
        (["alix", "--role", "admin"], "alix is no address that a mail could reach"),
        (["hélène@site.test", "--role", "admin"], "hélène@site.test is no address that a mail could reach"),
        (["a@site.test", "--role", "member"], "A member speaks for a structure: name it with --siret."),
        (["a@site.test", "--role", "animator"], "An animator looks after a territory: name it with --territory."),
        (["a@site.test", "--role", "animator", "--territory", "99"], "No région or département is 99."),
        (["a@site.test", "--role", "admin", "--territory", "61"], "Only an animator looks after territories"),
        (["a@site.test", "--role", "member", "--siret", SIRET], f"No structure has the SIRET {SIRET}."),
        (["a@site.test", "--role", "member", "--siret", "12"], "12 is no SIRET: length"),
        (["a@site.test", "--role", "admin", "--password-stdin"], "A password has 12 to 128 characters; this one has 5."),
    ],
)
def test_an_account_that_cannot_be_opened_says_why_and_is_not(app: Flask, arguments: list[str], message: str) -> None:
    UserFactory(email="prise@site.test")
    db.session.commit()

    code, output = add(app, *arguments, typed="court\n")

    assert code == 1
    assert output.startswith(f"Error: {message}")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_a_role_that_does_not_exist_is_refused_with_those_that_do(app: Flask) -> None:
    code, output = add(app, "a@site.test", "--role", "emperor")

    assert code == 2
    assert all(role.value in output for role in Role)


def test_the_accounts_are_listed_with_what_they_are_for(app: Flask) -> None:
    UserFactory(email="a@site.test", organisation=OrganisationFactory(name="La Fabrique"), is_active=False)
    UserFactory(email="b@site.test", animator=True, last_login_at=now())
    db.session.commit()

    lines = app.test_cli_runner().invoke(args=["accounts", "list"]).output.splitlines()

    assert [line.split(maxsplit=2) for line in lines] == [
        ["a@site.test", "never", "member (La Fabrique) closed"],
        ["b@site.test", now().date().isoformat(), "animator (Orne)"],
    ]
