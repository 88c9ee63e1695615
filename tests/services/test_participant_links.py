"""The personal link of a participant."""

from uuid import uuid4

from flask import Flask

from matchmaker.models import Participant
from matchmaker.services import participant_links
from matchmaker.web.settings import mail_settings
from tests.factories import ParticipantFactory

SECRET = "a secret of thirty-two bytes or so"


def test_a_link_leads_back_to_its_participant_and_to_nobody_else() -> None:
    one, other = Participant(id=uuid4()), Participant(id=uuid4())
    token = participant_links.token_of(one, SECRET)

    assert participant_links.read_token(token, (SECRET,)) == one.id
    assert participant_links.read_token(participant_links.token_of(other, SECRET), (SECRET,)) == other.id
    assert participant_links.read_token(token, (SECRET + "!",)) is None
    assert len(token) == 50


def test_no_other_spelling_of_a_link_is_taken() -> None:
    token = participant_links.token_of(Participant(id=uuid4()), SECRET)

    for place in range(len(token)):
        for letter in "A-_.z9é":
            other = token[:place] + letter + token[place + 1 :]
            assert other == token or participant_links.read_token(other, (SECRET,)) is None
    for wrong in ("", ".", "x.y", token[:-1], token + "=", token.split(".")[0]):
        assert participant_links.read_token(wrong, (SECRET,)) is None


def test_the_link_begins_at_the_address_that_people_type(app: Flask) -> None:
    participant = ParticipantFactory()

    link = participant_links.link(participant, mail_settings())

    assert link == f"http://croisee.test/jour/{participant_links.token_of(participant, app.config['SECRET_KEY'])}"


def test_the_code_has_five_signs_that_nobody_mistakes() -> None:
    codes = {participant_links.code_of(Participant(id=uuid4())) for _ in range(200)}

    assert len(codes) == 200
    assert all(len(code) == 5 and not set(code) & set("ILOU") for code in codes)
