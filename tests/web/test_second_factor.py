"""A code of the telephone after the password: set up, asked for, used once, lost; and who cannot do without."""

import importlib.util
import re
from datetime import timedelta

import pyotp
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import Text, cast, literal_column, select
from sqlalchemy.exc import IntegrityError

from config import ROOT, TestConfig
from matchmaker.extensions import db
from matchmaker.models import OutboxMail, RecoveryCode, SecondFactor, User
from matchmaker.models.base import Base, now
from matchmaker.services import sealing, second_factor, sessions
from matchmaker.services.outbox import MailSettings
from tests.conftest import Client
from tests.factories import PASSWORD, UserFactory
from tests.pages import heading

KEYS = (TestConfig.SECRET_KEY,)
SETTINGS = MailSettings(sender="bonjour@croisee.test", public_url="http://croisee.test", secret="x")


def code_of(user: User, steps: int = 0) -> str:
    """What the telephone shows, so many half minutes from now."""
    sealed = db.session.scalar(select(SecondFactor.secret).where(SecondFactor.user_id == user.id))
    return pyotp.TOTP(sealing.unseal(sealed or "", KEYS, purpose="second factor") or "").at(now() + timedelta(seconds=30 * steps))


def protect(user: User) -> list[str]:
    """Set the second factor up. The code of a minute ago is used for it, so that the present one is still good."""
    second_factor.prepare(user, keys=KEYS)
    codes = second_factor.turn_on(user, code_of(user, -1), keys=KEYS, settings=SETTINGS)
    assert codes is not None
    db.session.commit()
    return codes


def sign_in(client: Client, user: User, **query: str):  # type: ignore[no-untyped-def]
    return client.post("/connexion", data={"email": user.email, "password": PASSWORD}, query_string=query)


def answer(client: Client, code: str, **query: str):  # type: ignore[no-untyped-def]
    return client.post("/connexion/code", data={"code": code}, query_string=query)


@pytest.fixture
def user(app: Flask) -> User:
    person: User = UserFactory()
    db.session.commit()
    return person


def test_one_sets_it_up_with_a_square_code_and_gets_ten_codes_for_paper(client: Client, user: User) -> None:
    client.sign_in(user)
    assert "Ajouter un code" in client.get("/compte").text
    assert client.post("/compte/second-facteur/preparer").location == "/compte/second-facteur"
    page = client.get("/compte/second-facteur").text
    assert 'src="data:image/svg+xml' in page
    assert client.post("/compte/second-facteur", data={"code": "000000"}).status_code == 422

    shown = client.post("/compte/second-facteur", data={"code": code_of(user)})

    codes = re.findall(r'translate="no">([a-z2-9-]{19})<', shown.text)
    assert (len(codes), len(set(codes))) == (10, 10)
    assert heading(client.get("/compte/second-facteur").text) == "Votre compte est protégé par un code"
    kept = db.session.scalars(select(RecoveryCode.code_hash)).all()
    assert not set(codes) & set(kept)
    assert [mail.recipient for mail in db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "second_factor"))] == [user.email]
    assert client.post("/compte/second-facteur/preparer").status_code == 409


def test_the_password_alone_opens_nothing_any_more(client: Client, user: User) -> None:
    protect(user)

    asked = sign_in(client, user, next="/compte")

    assert asked.location == "/connexion/code?next=/compte"
    assert client.get("/compte").status_code == 302
    assert answer(client, "123").status_code == 422
    assert answer(client, code_of(user), next="/compte").location == "/compte"
    assert client.get("/compte").status_code == 200


def test_a_code_is_taken_once(app: Flask, client: Client, user: User) -> None:
    protect(user)
    other = app.test_client()
    sign_in(client, user)
    sign_in(other, user)
    code = code_of(user)

    assert answer(client, code).status_code == 302
    assert answer(other, code).status_code == 422
    assert answer(other, code_of(user, -1)).status_code == 422, "nor is one from before it"


@pytest.mark.parametrize(("steps", "status"), [(-3, 422), (1, 302), (3, 422)])
def test_a_telephone_may_be_half_a_minute_wrong(client: Client, user: User, steps: int, status: int) -> None:
    protect(user)
    sign_in(client, user)

    assert answer(client, code_of(user, steps)).status_code == status


def test_each_code_of_the_paper_opens_once(app: Flask, user: User) -> None:
    first, second, *_rest = protect(user)
    for code, statuses in ((first.upper().replace("-", " "), (302, 422)), (second, (302, 422))):
        for status in statuses:
            client = app.test_client()
            sign_in(client, user)
            assert answer(client, code).status_code == status

    assert second_factor.codes_left(user) == 8


def test_codes_of_somebody_else_open_nothing(client: Client, user: User) -> None:
    protect(user)
    theirs = protect(UserFactory())
    sign_in(client, user)

    assert answer(client, theirs[0]).status_code == 422


@pytest.mark.parametrize("typed", ["", " ", "'", "é" * 6, "١٢٣٤٥٦", "0" * 10_000, "\x00", "12345"])
def test_nothing_that_is_typed_breaks_the_page(client: Client, user: User, typed: str) -> None:
    protect(user)
    sign_in(client, user)

    assert answer(client, typed).status_code == 422


def test_the_page_of_the_code_opens_nothing_without_the_password(client: Client, user: User) -> None:
    protect(user)

    assert client.get("/connexion/code").location == "/connexion"
    assert answer(client, code_of(user)).location == "/connexion"


def test_between_password_and_code_another_password_ends_it(client: Client, user: User) -> None:
    protect(user)
    sign_in(client, user)
    user.password_hash = UserFactory().password_hash + "x"
    db.session.commit()

    assert answer(client, code_of(user)).location == "/connexion"


def test_ten_minutes_after_the_password_it_is_asked_for_again(client: Client, user: User) -> None:
    protect(user)
    sign_in(client, user)
    with client.session_transaction() as session:
        session["awaited"] = session["awaited"] | {"since": session["awaited"]["since"] - 601}

    assert client.get("/connexion/code").location == "/connexion"


def test_setting_it_up_ends_the_sessions_that_never_typed_a_code(app: Flask, client: Client, user: User) -> None:
    key = sessions.begin(user)
    client.sign_in(user)
    client.post("/compte/second-facteur/preparer")

    client.post("/compte/second-facteur", data={"code": code_of(user)})

    assert sessions.opened(key) is None
    assert client.get("/compte").status_code == 200


def test_a_member_may_do_without_again(client: Client, user: User) -> None:
    protect(user)
    client.sign_in(user)

    assert client.post("/compte/second-facteur/arreter").location == "/compte"

    assert sign_in(client.application.test_client(), user).location == "/propositions"
    assert db.session.scalars(select(RecoveryCode)).all() == []


@pytest.mark.parametrize("role", ["animator", "admin"])
def test_who_sees_others_needs_sets_it_up_before_anything_else(app: Flask, client: Client, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SECOND_FACTOR", True)
    person = UserFactory(**{role: True})
    db.session.commit()
    sign_in(client, person)

    for path in ("/calculs", "/compte", "/courriels", "/annuaire/inconnu"):
        assert client.get(path).location == "/compte/second-facteur" or client.get(path).status_code == 404
    assert "Votre rôle en a besoin" in client.get("/compte/second-facteur").text
    assert client.get("/aide").status_code == 200
    client.post("/compte/second-facteur/preparer")
    client.post("/compte/second-facteur", data={"code": code_of(person)})

    assert client.get("/calculs").status_code == 200


def test_who_must_have_one_changes_telephones_but_does_not_go_without(app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SECOND_FACTOR", True)
    person = UserFactory(animator=True)
    protect(person)
    client.sign_in(person)

    assert client.post("/compte/second-facteur/arreter").location == "/compte/second-facteur"

    assert client.get("/calculs").location == "/compte/second-facteur"


def test_the_invented_accounts_do_without_in_the_demonstration_only(app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SECOND_FACTOR", True)
    person = UserFactory(animator=True, is_demo=True)
    db.session.commit()
    client.sign_in(person)

    assert client.get("/calculs").status_code == 200
    assert second_factor.is_required(person, is_demonstration=False)


def test_the_administration_opens_the_door_when_all_is_lost(client: Client, user: User) -> None:
    protect(user)
    client.sign_in(UserFactory(admin=True))
    assert "codes de secours perdus" in client.get(f"/comptes/{user.id}").text

    assert client.post(f"/comptes/{user.id}/second-facteur/arreter").location == f"/comptes/{user.id}"

    db.session.expire_all()
    assert user.second_factor is None


def test_the_administration_is_asked_for_the_password_first(client: Client, user: User) -> None:
    protect(user)
    admin = UserFactory(admin=True)
    client.sign_in(admin)
    row = sessions.sessions_of(admin)[0]
    row.confirmed_at = now() - timedelta(minutes=6)
    db.session.commit()

    assert client.post(f"/comptes/{user.id}/second-facteur/arreter").location.startswith("/compte/confirmer")
    assert client.get("/compte/second-facteur").location == "/compte/confirmer?next=/compte/second-facteur"
    db.session.expire_all()
    assert second_factor.is_on(user)


def test_the_terminal_opens_the_door_too(app: Flask, user: User) -> None:
    protect(user)

    result = app.test_cli_runner().invoke(args=["accounts", "second-factor-off", user.email])

    assert (result.exit_code, user.email in result.output) == (0, True)
    assert app.test_cli_runner().invoke(args=["accounts", "second-factor-off", "x@y.test"]).exit_code == 1


# The secret at rest


def dump_of_the_database() -> str:
    """Every row of every table, as a copy of the database would hold it."""
    tables = [
        str(row)
        for table in Base.metadata.sorted_tables
        for row in db.session.execute(select(cast(literal_column(f'"{table.name}"'), Text)).select_from(table))
    ]
    return "\n".join(tables)


def test_a_copy_of_the_database_holds_no_secret(client: Client, user: User) -> None:
    client.sign_in(user)
    client.post("/compte/second-facteur/preparer")
    page = client.get("/compte/second-facteur").text
    secret = re.search(r'translate="no">([A-Z2-7 ]{39})<', page)[1].replace(" ", "")  # type: ignore[index]
    assert len(secret) == 32

    codes = re.findall(r'translate="no">([a-z2-9-]{19})<', client.post("/compte/second-facteur", data={"code": pyotp.TOTP(secret).now()}).text)

    dump = dump_of_the_database()
    assert user.email in dump, "it is a copy of the database"
    assert secret not in dump
    assert not [code for code in codes if code in dump or code.replace("-", "") in dump]


def test_the_migration_seals_what_was_written_before_it(app: Flask, client: Client, user: User) -> None:
    protect(user)
    path = ROOT / "migrations" / "versions" / "0028_sealed_secrets.py"
    spec = importlib.util.spec_from_file_location("sealed_secrets", path)
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    with Operations.context(MigrationContext.configure(db.session.connection())):
        migration.downgrade()
        plain = db.session.scalar(select(SecondFactor.secret).execution_options(populate_existing=True))
        migration.upgrade()

    assert re.fullmatch("[A-Z2-7]{32}", plain or "")
    db.session.expire_all()
    assert second_factor.secret_of(user.second_factor, keys=KEYS) == plain  # type: ignore[arg-type]
    sign_in(client, user)
    assert answer(client, code_of(user)).status_code == 302


def test_no_secret_is_written_unsealed(app: Flask, user: User) -> None:
    user.second_factor = SecondFactor(secret=pyotp.random_base32())
    with pytest.raises(IntegrityError, match="secret_is_sealed"):
        db.session.flush()


def test_a_new_key_of_the_site_keeps_the_telephones(app: Flask, client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    protect(user)
    code = code_of(user)
    monkeypatch.setitem(app.config, "SECRET_KEY", "the next key of the site, of thirty-two letters")
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", [KEYS[0]])
    sign_in(client, user)
    assert answer(client, code).status_code == 302

    result = app.test_cli_runner().invoke(args=["accounts", "seal-anew"])

    assert (result.exit_code, result.output) == (0, "1 sealed anew.\n")
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", [])
    db.session.expire_all()
    assert second_factor.secret_of(user.second_factor, keys=sealing.keys_of(app.config))  # type: ignore[arg-type]
    assert app.test_cli_runner().invoke(args=["accounts", "seal-anew"]).output == "0 sealed anew.\n"


def test_when_the_key_is_lost_codes_on_paper_still_open(app: Flask, client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_rest = protect(user)
    code = code_of(user)
    monkeypatch.setitem(app.config, "SECRET_KEY", "the only key that is left, of thirty-two letters")
    sign_in(client, user)

    assert answer(client, code).status_code == 422
    assert answer(client, first).status_code == 302
    assert app.test_cli_runner().invoke(args=["accounts", "seal-anew"]).exit_code == 1


def test_what_is_sealed_for_one_purpose_is_of_no_use_for_another() -> None:
    sealed = sealing.seal("GEZDGNBV", KEYS, purpose="second factor")

    assert sealing.unseal(sealed, KEYS, purpose="session") is None
    assert sealing.unseal(sealed[:-1] + "A", ["another key"], purpose="second factor") is None
    assert sealing.unseal("é", KEYS, purpose="second factor") is None
