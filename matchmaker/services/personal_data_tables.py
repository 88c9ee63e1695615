"""Which function takes one person out of which table with personal columns. The caller commits.

The list at the end has the tables of models/personal_data.py, no more and no less: a test compares them.
"""

from collections.abc import Callable

from sqlalchemy import ColumnElement, or_

from matchmaker.models import OutboxMail
from matchmaker.models.personal_data import PERSONAL, Way
from matchmaker.services.personal_data_accounts import (
    erase_company_records,
    erase_contacts,
    erase_join_requests,
    erase_member_invitations,
    erase_merged_sheets,
    erase_sign_ups,
    goes_with_the_account,
    scrub_structures,
)
from matchmaker.services.personal_data_communities import erase_reports, erase_stories, erase_words_to_groups, scrub_news
from matchmaker.services.personal_data_declarations import (
    erase_drafts,
    erase_messages,
    erase_notes,
    scrub_breakdowns,
    scrub_comments,
    scrub_needs,
    scrub_offers,
    scrub_pools,
)
from matchmaker.services.personal_data_job_datings import (
    erase_access_notes,
    erase_blocks,
    erase_invitations,
    erase_replies,
    scrub_check_in_links,
    scrub_job_datings,
    scrub_notices,
    scrub_photos,
    scrub_plan_changes,
    scrub_presence,
    scrub_rooms,
    scrub_series,
    scrub_venues,
)
from matchmaker.services.personal_data_purchasing import erase_answers, erase_parts, erase_shortlist_notes, erase_shortlists, scrub_questions
from matchmaker.services.personal_data_scrubbing import scrub_mails
from matchmaker.services.personal_data_subject import Erased


def follow_the_pages(_erased: Erased) -> None:
    """Nothing to do here: triggers write the entry anew with what it is made of."""


def erase_mails(erased: Erased) -> None:
    own: ColumnElement[bool] = OutboxMail.recipient == erased.email
    if erased.is_with_structure:
        own = or_(own, OutboxMail.organisation_id == erased.organisation_id)
    scrub_mails(erased.words, own)


ERASERS: dict[str, Callable[[Erased], None]] = {
    **{table: goes_with_the_account for table, columns in PERSONAL.items() if set(columns.values()) == {Way.GOES}},
    "territory": erase_contacts,
    "sign_up": erase_sign_ups,
    "member_invitation": erase_member_invitations,
    "join_request": erase_join_requests,
    "merged_organisation": erase_merged_sheets,
    "company_record": erase_company_records,
    "organisation": scrub_structures,
    "need": scrub_needs,
    "offer": scrub_offers,
    "declaration_draft": erase_drafts,
    "venue": scrub_venues,
    "room": scrub_rooms,
    "venue_block": erase_blocks,
    "venue_photo": scrub_photos,
    "series": scrub_series,
    "job_dating": scrub_job_datings,
    "participant": erase_access_notes,
    "invitation": erase_invitations,
    "invitation_notice": scrub_notices,
    "calendar_reply": erase_replies,
    "check_in_link": scrub_check_in_links,
    "presence_act": scrub_presence,
    "plan_change": scrub_plan_changes,
    "proposal": scrub_comments,
    "conversation_message": erase_messages,
    "work_act": erase_notes,
    "match": scrub_breakdowns,
    "pool": scrub_pools,
    "news": scrub_news,
    "story": erase_stories,
    "cluster_invitation": erase_words_to_groups,
    "shortlist": erase_shortlists,
    "shortlist_entry": erase_shortlist_notes,
    "search_question": scrub_questions,
    "group_answer": erase_answers,
    "group_member": erase_parts,
    "search_entry": follow_the_pages,
    "directory_report": erase_reports,
    "outbox_mail": erase_mails,
}
