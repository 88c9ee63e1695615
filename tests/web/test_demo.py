"""The mails of the demonstration, as its catcher kept them."""

from email.message import EmailMessage

import pytest

from matchmaker.mailcatcher import keep

CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def folder(client, monkeypatch, tmp_path):
    monkeypatch.setitem(client.application.config, "MAIL_FOLDER", str(tmp_path))
    return tmp_path


def caught(
    folder, subject="Job dating à Flers : vous venez ?", *, html="<!doctype html><html><head><title>x</title></head><body><a href='/x'>Venir</a></body></html>"
):
    """A mail on the catcher's disk; its name."""
    message = EmailMessage()
    message["From"] = "La Croisée <bonjour@croisee.test>"
    message["To"] = "contact@tournebride.test"
    message["Subject"] = subject
    message["Date"] = "Thu, 21 Jan 2027 08:15:00 +0000"
    message.set_content("Le texte & ses <signes>")
    if html:
        message.add_alternative(html, subtype="html")
        message.add_alternative(CALENDAR.encode(), maintype="text", subtype="calendar", cte="base64")
    return keep(folder, "bonjour@croisee.test", ["contact@tournebride.test"], message.as_bytes()).name


def test_the_mails_are_listed_newest_first(client, folder):
    caught(folder, "Le premier")
    last = caught(folder, "Le second")

    page = client.get("/demo/courriels").text

    assert "2\u00a0courriels sont partis" in page
    assert page.index("Le second") < page.index("Le premier")
    assert f'href="/demo/courriels/{last}"' in page
    assert "contact@tournebride.test" in page
    assert "jeudi 21 janvier 2027, 9\u00a0h\u00a015" in page


@pytest.mark.parametrize("there", [True, False], ids=["empty folder", "no folder"])
def test_without_mails_the_page_says_when_there_will_be(client, folder, there):
    if not there:
        folder.rmdir()

    page = client.get("/demo/courriels").text

    assert "0\u00a0courriel est parti" in page
    assert "Rien n’est encore parti" in page


def test_a_mail_is_shown_as_page_text_calendar_and_source(client, folder):
    name = caught(folder)

    page = client.get(f"/demo/courriels/{name}").text

    assert f'src="/demo/courriels/{name}/page"' in page
    assert 'title="Le courriel, mis en page"' in page
    assert 'sandbox="allow-popups allow-top-navigation-by-user-activation"' in page
    assert "Le texte &amp; ses &lt;signes&gt;" in page
    assert "METHOD:REQUEST" in page
    source = client.get(f"/demo/courriels/{name}/source")
    assert source.mimetype == "text/plain"
    assert source.data == (folder / name).read_bytes()


def test_a_mail_of_text_alone_has_no_frame(client, folder):
    page = client.get(f"/demo/courriels/{caught(folder, html='')}").text

    assert "<iframe" not in page
    assert "Pour le calendrier" not in page
    assert "Le texte" in page


def test_the_page_of_a_mail_runs_no_script_and_its_links_leave_the_frame(client, folder):
    name = caught(folder)

    response = client.get(f"/demo/courriels/{name}/page")

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert response.text.startswith('<!doctype html><html><head><base target="_top">')
    assert client.get(f"/demo/courriels/{caught(folder, html='<p>Sans tête</p>')}/page").text.startswith('<base target="_top"><p>Sans tête</p>')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Date: hier soir\r\nSubject: =?x?q?y\r\n\r\nBonjour",
        b"Content-Type: text/html; charset=inconnu\r\nDate: \r\n\r\n<p>\xe9</p>",
        b'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset="\x00"\r\n\r\n\xff',
    ],
)
def test_no_mail_breaks_the_pages(client, folder, content):
    name = keep(folder, "", [], content).name

    for path in ("/demo/courriels", f"/demo/courriels/{name}", f"/demo/courriels/{name}/page", f"/demo/courriels/{name}/source"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["../secret.eml", "..%2Fsecret.eml", "%2e%2e%2fsecret.eml", "..\\secret.eml", "..", ".eml", "absent.eml", "secret.txt", "a%00.eml", "e" * 300 + ".eml"],
)
def test_a_name_that_is_no_mail_of_the_folder_is_not_found(client, folder, name):
    (folder.parent / "secret.eml").write_text("secret")
    (folder / "secret.txt").write_text("secret")

    for ending in ("", "/page", "/source"):
        assert client.get(f"/demo/courriels/{name}{ending}").status_code == 404


def test_outside_the_demonstration_there_are_no_such_pages(client, folder, monkeypatch):
    name = caught(folder)
    monkeypatch.setitem(client.application.config, "DEMO", False)

    for path in ("/demo/courriels", f"/demo/courriels/{name}", f"/demo/courriels/{name}/page", f"/demo/courriels/{name}/source"):
        assert client.get(path).status_code == 404
    assert "courriels" not in client.get("/connexion").text
