"""Every mail that there is, as its templates stand: readable by anybody, without a picture, and named for who looks after it."""

import pytest

from config import ROOT
from matchmaker.web import mail_words

FOLDER = ROOT / "templates" / "email"
MAILS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
# What a program would fetch, run or lay out in columns, and what tells a sender that a mail was opened.
FOREIGN = ("<img", "<script", "<link", "<iframe", "src=", "background:url", "@import", "float:", "display:flex")


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_has_a_subject_a_text_and_a_page_of_the_common_frame(name):
    subject, text, page = ((FOLDER / name / part).read_text() for part in ("subject.txt", "body.txt", "body.html"))

    assert len(subject.strip().splitlines()[-1]) > 5
    assert "layouts/email.txt" in text
    assert '{% extends "layouts/email.html" %}' in page
    assert not [words for words in FOREIGN if words in page]


@pytest.mark.parametrize("name", MAILS)
def test_the_list_of_mails_says_what_it_is_about(name):
    assert mail_words.kind_words(name) != mail_words.kind_words("")


def test_the_common_frame_is_french_one_column_and_calls_nobody():
    page = (ROOT / "templates" / "layouts" / "email.html").read_text() + (FOLDER / "parts.html").read_text()

    assert '<html lang="fr">' in page
    assert not [words for words in FOREIGN if words in page]
