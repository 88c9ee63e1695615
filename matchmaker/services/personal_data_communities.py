"""Taking one person, or a structure that closes, out of the pages of territories and of the directory. The caller commits."""

from sqlalchemy import delete, or_, update

from matchmaker.extensions import db
from matchmaker.models import ClusterInvitation, CommunityMember, DirectoryReport, News, Story, StoryStatus
from matchmaker.models.base import now
from matchmaker.services.personal_data_scrubbing import scrub
from matchmaker.services.personal_data_subject import Erased


def scrub_news(erased: Erased) -> None:
    scrub([News.title, News.text], erased.words, where=News.author_id == erased.user_id)


def erase_stories(erased: Erased) -> None:
    """What a structure told of what came about there is taken back with it; nothing stays but that it was."""
    ours = Story.organisation_id == erased.organisation_id
    if erased.is_with_structure:
        gone = {"status": StoryStatus.WITHDRAWN, "text": "", "signature": "", "withdrawn_at": now()}
        db.session.execute(update(Story).where(ours, Story.status != StoryStatus.WITHDRAWN).values(gone))
        db.session.execute(delete(CommunityMember).where(CommunityMember.organisation_id == erased.organisation_id))
    scrub([Story.text, Story.signature], erased.words, where=ours)


def erase_words_to_groups(erased: Erased) -> None:
    ours = ClusterInvitation.organisation_id == erased.organisation_id
    if erased.is_with_structure:
        db.session.execute(update(ClusterInvitation).where(ours).values(message=""))
    scrub([ClusterInvitation.message], erased.words, where=ours)


def erase_reports(erased: Erased) -> None:
    """What somebody said of the structure's page goes with it; what the person said of others' keeps its words."""
    ours = DirectoryReport.organisation_id == erased.organisation_id
    if erased.is_with_structure:
        db.session.execute(update(DirectoryReport).where(ours).values(note=""))
    scrub([DirectoryReport.note], erased.words, where=or_(ours, DirectoryReport.by_id == erased.user_id))
