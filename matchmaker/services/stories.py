"""What structures say of what came about: written with consent, read by an animator before anybody else, taken back at any time."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Organisation, Story, StoryStatus, Territory
from matchmaker.models.base import now
from matchmaker.services.errors import NotAllowedNow

SHOWN = 5


def give(organisation: Organisation, territory: Territory, *, text: str, signature: str) -> Story:
    """Its consent is given now. The one that stands, if there is one, makes place: nothing of it stays."""
    standing = (Story.status.in_((StoryStatus.WAITING, StoryStatus.PUBLISHED)),)
    before = select(Story).where(Story.organisation_id == organisation.id, Story.territory_id == territory.id, *standing).with_for_update()
    for one in db.session.scalars(before):
        erase(one)
    db.session.flush()
    story = Story(organisation=organisation, territory=territory, text=text, signature=signature)
    db.session.add(story)
    db.session.flush()
    return story


def withdraw(story: Story) -> None:
    """Consent is taken back: the words are erased at once. Done already is done."""
    lock(story)
    if story.status is not StoryStatus.WITHDRAWN:
        erase(story)


def erase(story: Story) -> None:
    story.status, story.withdrawn_at = StoryStatus.WITHDRAWN, now()
    story.text = story.signature = ""


def decide(story: Story, *, is_shown: bool) -> None:
    """An animator lets everybody read it, or not. Raises NotAllowedNow when it was taken back meanwhile, or another one stands."""
    lock(story)
    if story.status is StoryStatus.WITHDRAWN:
        raise NotAllowedNow(story.status)
    if is_shown and story.status is StoryStatus.DECLINED and standing_of(story.organisation, story.territory):
        raise NotAllowedNow("another one stands")
    story.status = StoryStatus.PUBLISHED if is_shown else StoryStatus.DECLINED
    story.decided_at = now()


def lock(story: Story) -> None:
    db.session.refresh(story, Story.__table__.columns.keys(), with_for_update=True)


def story(story_id: UUID) -> Story | None:
    query = select(Story).where(Story.id == story_id, Story.status != StoryStatus.WITHDRAWN)
    return db.session.scalars(query.options(joinedload(Story.organisation), joinedload(Story.territory))).one_or_none()


def standing_of(organisation: Organisation, territory: Territory) -> Story | None:
    standing = Story.status.in_((StoryStatus.WAITING, StoryStatus.PUBLISHED))
    query = select(Story).where(Story.organisation_id == organisation.id, Story.territory_id == territory.id, standing)
    return db.session.scalars(query).one_or_none()


def told(territory: Territory, status: StoryStatus, *, limit: int = SHOWN) -> list[Story]:
    """Those of a territory in one state, the newest first, with who says it."""
    query = select(Story).where(Story.territory_id == territory.id, Story.status == status)
    query = query.options(joinedload(Story.organisation).joinedload(Organisation.commune)).order_by(Story.consented_at.desc(), Story.id)
    return list(db.session.scalars(query.limit(limit)))


def given_by(organisation_id: UUID) -> list[Story]:
    """What a structure gave and did not take back, the newest first."""
    query = select(Story).where(Story.organisation_id == organisation_id, Story.status != StoryStatus.WITHDRAWN)
    return list(db.session.scalars(query.options(joinedload(Story.territory)).order_by(Story.consented_at.desc(), Story.id)))
