"""What the members of a common answer and its buyer are told by mail."""

from matchmaker.models import GroupAnswer, GroupMember, Organisation
from matchmaker.models.base import now
from matchmaker.services import outbox


def invite_mail(member: GroupMember, *, is_again: bool, settings: outbox.MailSettings) -> None:
    """Ask for a yes to the terms as they stand; one mail for several changes in a row. An answer to the mail goes to the lead."""
    organisation, group = member.organisation, member.group
    if not organisation.can_be_written_to():
        return
    uid = f"group-invited-{member.id}"
    outbox.queue(
        "group_invited",
        uid=uid,
        idempotency_key=f"{uid}:{group.terms}:{member.invited_at:%Y%m%dT%H%M%S%f}",
        coalesce=outbox.COALESCE,
        useless_after=group.search.closes_at,
        recipient=organisation.email,
        organisation_id=organisation.id,
        reply_to=group.lead.email,
        settings=settings,
        member=member,
        group=group,
        need=group.search.need,
        is_again=is_again,
    )


def tell_members(group: GroupAnswer, news: str, *, about: GroupMember, settings: outbox.MailSettings, only: Organisation | None = None) -> None:
    """What happened, to ``only`` that structure, or to all who are in the group but the one that did it."""
    told = [only] if only else [one.organisation for one in group.present if one.id != about.id]
    for organisation in told:
        if organisation.can_be_written_to():
            outbox.queue(
                "group_news",
                uid=f"group-{news}-{about.id}-{organisation.id}-{now():%Y%m%dT%H%M%S%f}",
                recipient=organisation.email,
                organisation_id=organisation.id,
                settings=settings,
                organisation=organisation,
                group=group,
                need=group.search.need,
                about=about.organisation,
                news=news,
            )


def tell_buyer(group: GroupAnswer, news: str, *, settings: outbox.MailSettings) -> None:
    """An answer was handed in, is being changed, or was taken back."""
    buyer = group.search.need.organisation
    if buyer.can_be_written_to():
        outbox.queue(
            "search_answer",
            uid=f"search-answer-{group.id}-{news}-{now():%Y%m%dT%H%M%S%f}",
            recipient=buyer.email,
            organisation_id=buyer.id,
            settings=settings,
            group=group,
            need=group.search.need,
            news=news,
        )
