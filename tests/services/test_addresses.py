"""Addresses that are no longer written to: by their bounces, or because their people said so."""

import email
import email.policy
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import AddressStatus, MailAddress, MailBounce, MailObjection, MailStatus, ObjectionSource, Obstacle, OutboxMail, Topic
from matchmaker.models.base import now
from matchmaker.services import addresses, outbox, proposal_links
from tests.factories import MailFactory, MatchFactory, UserFactory, proposals_of

ADDRESS = "contact@picoree.test"
SECRET = "secret"
SETTINGS = outbox.MailSettings(sender="bonjour@croisee.test", public_url="https://croisee.test", secret=SECRET)


def bounce(status, key="1:1", address=ADDRESS, **fields):
    return addresses.note_bounce(address, key=key, status=status, **fields)


@pytest.mark.parametrize("written", ["Contact@Picoree.TEST", " contact@picoree.test ", "ｃontact@picoree.test"])
def test_an_address_is_one_however_it_is_written(session, written):
    bounce("5.1.1")

    assert addresses.is_blocked(written, "mutual_yes")


def test_nothing_that_is_kept_holds_the_address(session):
    bounce("5.1.1")
    addresses.object_to(addresses.digest(ADDRESS), [Topic.DIGEST], source=ObjectionSource.LINK)

    kept = [str(value) for model in (MailAddress, MailBounce, MailObjection) for row in session.scalars(select(model)) for value in vars(row).values()]

    assert any(re.fullmatch("[0-9a-f]{64}", value) for value in kept)
    assert not any("picoree" in value for value in kept)


@pytest.mark.parametrize("status", ["5.1.1", "5.1.10", "5.4.1", "550", "552", "554"])
def test_one_hard_bounce_blocks_the_address(session, status):
    assert bounce(status)

    row = addresses.known(ADDRESS)
    assert row is not None
    assert (row.status, row.reason) == (AddressStatus.BLOCKED, status)
    assert addresses.obstacle(ADDRESS, "mutual_yes") is Obstacle.BLOCKED


@pytest.mark.parametrize("status", ["4.2.2", "5.2.2", "5.7.1", "451"])
def test_three_soft_bounces_in_thirty_days_block_it(session, status):
    assert not bounce(status, "1:1", at=now() - timedelta(days=29))
    assert not bounce(status, "2:1")
    assert not addresses.is_blocked(ADDRESS, "proposals")

    assert bounce(status, "3:1")

    assert addresses.is_blocked(ADDRESS, "proposals")


def give_up_on(refusal: mail.Temporary, number: int) -> None:
    """A mail whose last try ends so."""
    MailFactory(waiting=True, recipient=ADDRESS, attempts=len(outbox.RETRIES), idempotency_key=f"given-up-{number}")
    claimed = outbox.claim_one(worker=1, now=now())
    assert claimed is not None
    assert outbox.record(claimed, refusal, worker=1, now=now())


def test_later_until_the_end_is_a_soft_bounce_and_the_third_one_blocks(session):
    for number in range(3):
        assert not addresses.is_blocked(ADDRESS, "proposals")
        give_up_on(mail.Temporary(450, "4.2.0 greylisted"), number)

    assert addresses.is_blocked(ADDRESS, "proposals")
    assert set(session.scalars(select(MailBounce.is_hard))) == {False}


def test_later_with_tries_left_is_no_bounce(session):
    MailFactory(waiting=True, recipient=ADDRESS)
    outbox.record(outbox.claim_one(worker=1, now=now()), mail.Temporary(450, "4.2.0 greylisted"), worker=1, now=now())

    assert session.scalars(select(MailBounce)).all() == []


@pytest.mark.parametrize("refusal", [mail.Temporary(451, "4.3.0 busy", phase="mail"), mail.Temporary(None, "cut", is_ambiguous=True)], ids=["sender", "line"])
def test_what_is_not_about_the_address_never_counts_for_it(session, refusal):
    for number in range(3):
        give_up_on(refusal, number)

    assert session.scalars(select(MailBounce)).all() == []


def test_soft_bounces_of_more_than_thirty_days_ago_are_forgotten(session):
    bounce("4.2.2", "1:1", at=now() - timedelta(days=31))
    bounce("4.2.2", "2:1")

    assert not bounce("4.2.2", "3:1")
    assert not addresses.is_blocked(ADDRESS, "proposals")


def test_the_same_bounce_told_twice_counts_once(session):
    assert [bounce("4.2.2", "1:report") for _ in range(5)] == [False] * 5

    assert not addresses.is_blocked(ADDRESS, "proposals")


@pytest.mark.parametrize(
    ("refusal", "is_counted", "is_blocking"),
    [
        (mail.Permanent(550, "5.1.1 <contact@picoree.test>: no such user"), True, True),
        (mail.Permanent(550, "no such user"), True, True),
        (mail.Permanent(552, "mailbox full"), True, True),
        (mail.Permanent(550, "5.7.1 Service refused"), True, False),
        (mail.Permanent(554, "Transaction failed", "data"), True, False),
        (mail.Permanent(550, "5.1.1 no such user", "data"), True, True),
        (mail.Permanent(550, "5.1.8 sender rejected", "mail"), False, False),
    ],
)
def test_a_refusal_counts_by_when_it_came_and_what_it_says(session, refusal, is_counted, is_blocking):
    assert addresses.note_refusal(ADDRESS, refusal, mail_id=1, attempts=1) is is_blocking

    assert len(session.scalars(select(MailBounce)).all()) == is_counted
    assert addresses.is_blocked(ADDRESS, "mutual_yes") is is_blocking


def test_an_animator_opens_a_corrected_address_and_only_later_bounces_count(session):
    animator = UserFactory(animator=True)
    for number in range(3):
        bounce("4.2.2", f"{number}:1")

    assert addresses.reopen(ADDRESS, by=animator)

    assert not addresses.is_blocked(ADDRESS, "proposals")
    assert addresses.known(ADDRESS).opened_by_id == animator.id
    assert not bounce("4.2.2", "9:1")
    assert not addresses.reopen(ADDRESS, by=animator)
    assert bounce("5.1.1", "10:1")


def test_another_address_starts_fresh(session):
    bounce("5.1.1")

    assert not addresses.is_blocked("accueil@picoree.test", "proposals")


def test_an_objection_closes_its_topic_and_nothing_else(session):
    addresses.object_to(addresses.digest(ADDRESS), [Topic.PROPOSALS], source=ObjectionSource.LINK)

    assert addresses.obstacle(ADDRESS, "proposals") is Obstacle.OBJECTED
    assert addresses.obstacle(ADDRESS, "invitation") is None
    for kind in ("mutual_yes", "invitation_cancelled", "invitation_moved", "invitation_withdrawn", "no_follow_up"):
        assert not addresses.is_blocked(ADDRESS, kind)


def test_the_first_objection_is_the_one_that_is_kept_and_can_be_taken_back(session):
    hashed = addresses.digest(ADDRESS)
    addresses.object_to(hashed, [Topic.DIGEST], source=ObjectionSource.ONE_CLICK)
    addresses.choose_topics(hashed, [Topic.INVITATIONS], source=ObjectionSource.ACCOUNT)

    assert addresses.objections(hashed) == set(Topic) - {Topic.INVITATIONS}
    sources = dict(session.execute(select(MailObjection.topic, MailObjection.source)).all())
    assert (sources[Topic.DIGEST], sources[Topic.CAMPAIGNS]) == (ObjectionSource.ONE_CLICK, ObjectionSource.ACCOUNT)

    addresses.choose_topics(hashed, list(Topic), source=ObjectionSource.LINK)

    assert addresses.objections(hashed) == set()


def test_why_not_is_told_for_many_addresses_in_two_queries(session, queries):
    bounce("5.1.1")
    addresses.object_to(addresses.digest("b@picoree.test"), [Topic.PROPOSALS], source=ObjectionSource.LINK)
    asked = [ADDRESS, "b@picoree.test", "", "personne", *(f"{number}@picoree.test" for number in range(50))]
    db.session.flush()
    queries.clear()

    told = addresses.obstacles(asked, "proposals")

    assert [told[address] for address in asked[:5]] == [Obstacle.BLOCKED, Obstacle.OBJECTED, Obstacle.NO_ADDRESS, Obstacle.BAD_ADDRESS, None]
    assert len(queries) == 2


def test_a_link_is_good_as_we_wrote_it_and_no_other_way():
    hashed = addresses.digest(ADDRESS)
    link = addresses.token(hashed, Topic.DIGEST, SECRET)

    assert addresses.read_token(link, (SECRET,)) == (hashed, Topic.DIGEST)
    assert addresses.read_token(link, ("another",)) is None
    changed = [link[:place] + letter + link[place + 1 :] for place in range(len(link)) for letter in "aB_" if letter != link[place]]
    assert [text for text in changed if addresses.read_token(text, (SECRET,))] == []


def test_only_what_may_be_refused_carries_a_way_out_and_only_mails_to_many_a_header():
    def out(kind):
        return addresses.ways_out(ADDRESS, kind, public_url="https://croisee.test", secret=SECRET)

    assert out("mutual_yes") == {"unsubscribe_link": "", "list_unsubscribe": ""}
    assert out("proposals")["unsubscribe_link"].startswith("https://croisee.test/courriels/refuser/")
    assert out("proposals")["list_unsubscribe"] == ""
    assert out("digest")["list_unsubscribe"] == out("digest")["unsubscribe_link"] != ""


def queue_proposals(proposal) -> bool:
    organisation = proposal.organisation
    context = {"organisation": organisation, "proposals": [proposal], "links": {proposal.id: proposal_links.link(proposal, SETTINGS)}}
    return outbox.queue("proposals", uid="proposals-1", recipient=organisation.email, settings=SETTINGS, **context)


def test_a_mail_to_a_blocked_address_is_kept_and_does_not_leave(session):
    proposal = proposals_of(MatchFactory())[0]
    bounce("5.1.1", address=proposal.organisation.email)

    assert not queue_proposals(proposal)

    row = session.scalars(select(OutboxMail)).one()
    assert (row.status, row.last_error) == (MailStatus.FAILED, addresses.WITHHELD[Obstacle.BLOCKED])
    assert outbox.claim_one(worker=1, now=now()) is None


def test_a_mail_that_was_refused_does_not_leave_and_one_about_what_was_agreed_does(session):
    proposal = proposals_of(MatchFactory(mutual=True))[0]
    addresses.object_to(addresses.digest(proposal.organisation.email), list(Topic), source=ObjectionSource.LINK)

    assert not queue_proposals(proposal)
    assert outbox.queue(
        "mutual_yes", uid="mutual-1", recipient=proposal.organisation.email, settings=SETTINGS, proposal=proposal, link="https://croisee.test/c"
    )

    rows = dict(session.execute(select(OutboxMail.kind, OutboxMail.status)).all())
    assert rows == {"proposals": MailStatus.CANCELLED, "mutual_yes": MailStatus.QUEUED}


def test_the_foot_of_a_mail_that_may_be_refused_carries_its_link_in_both_parts(session):
    proposal = proposals_of(MatchFactory())[0]

    assert queue_proposals(proposal)

    message = email.message_from_bytes(session.scalars(select(OutboxMail.message)).one(), policy=email.policy.default)
    links = [re.search(r"https://croisee\.test/courriels/refuser/([\w.-]+)", part.get_content()) for part in message.iter_parts()]
    expected = (addresses.digest(proposal.organisation.email), Topic.PROPOSALS)
    assert [addresses.read_token(link[1], (SETTINGS.secret,)) for link in links if link] == [expected, expected]
    assert message["List-Unsubscribe"] is None


def refused(outcome) -> bool:
    db.session.add(OutboxMail(idempotency_key="1", recipient=ADDRESS, subject="x", message_id="<1@x>", message=b"x"))
    db.session.flush()
    claimed = outbox.claim_one(worker=1, now=now())
    assert claimed is not None
    assert outbox.record(claimed, outcome, worker=1, now=now())
    return addresses.is_blocked(ADDRESS, "mutual_yes")


@pytest.mark.parametrize(("phase", "is_blocking"), [("rcpt", True), ("mail", False)])
def test_a_refused_mail_counts_against_its_address_unless_it_was_about_us(session, phase, is_blocking):
    assert refused(mail.Permanent(550, "no", phase)) is is_blocking
