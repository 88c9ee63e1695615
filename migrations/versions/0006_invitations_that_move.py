"""Move published job datings, remember what calendars were told, take their replies, and give feeds an address

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

CHANNELS = "channel IN ('link', 'account', 'animator')"
# Until now a published job dating never changed: what its guests were told is what it says.
NOTICES = """
INSERT INTO invitation_notice (id, invitation_id, sequence, method, stamped_at, title, starts_at, ends_at, first_round_at, town, place, access_text, partner_ids)
SELECT gen_random_uuid(), invitation.id, invitation.sequence, 'request', invitation.created_at, job_dating.title, job_dating.starts_at, job_dating.ends_at,
       job_dating.starts_at + make_interval(mins => job_dating.welcome_minutes),
       commune.name, concat_ws(', ', venue.name, nullif(venue.address, ''), commune.name), venue.access_text,
       ARRAY(
           SELECT CASE WHEN need.organisation_id = invitation.organisation_id THEN match.offer_id ELSE match.need_id END
           FROM meeting JOIN match ON match.id = meeting.match_id JOIN need ON need.id = match.need_id JOIN offer ON offer.id = match.offer_id
           WHERE meeting.job_dating_id = job_dating.id AND invitation.organisation_id IN (need.organisation_id, offer.organisation_id)
           ORDER BY 1
       )
FROM invitation
JOIN job_dating ON job_dating.id = invitation.job_dating_id
JOIN venue ON venue.id = job_dating.venue_id
JOIN commune ON commune.code = venue.commune_code
WHERE job_dating.status = 'published'
"""
# Calendars know an entry by its UID and its organiser: both stand in the mail that was queued first.
NAMES = """
UPDATE invitation
SET uid = invitation.id || '@' || rtrim(split_part(first.message_id, '@', 2), '>'),
    organizer = substring(convert_from(first.message, 'LATIN1') FROM 'From: [^<]*<([^>]+)>')
FROM (
    SELECT DISTINCT ON (split_part(idempotency_key, ':', 1)) split_part(idempotency_key, ':', 1) AS thread, message_id, message
    FROM outbox_mail WHERE kind IN ('', 'invitation') AND idempotency_key LIKE '%:request:%' ORDER BY split_part(idempotency_key, ':', 1), id
) AS first
WHERE first.thread = invitation.id::text AND convert_from(first.message, 'LATIN1') ~ 'From: [^<]*<[^>]+>'
"""
ANSWERS = """
UPDATE invitation SET answered_starts_at = job_dating.starts_at, answered_venue_id = job_dating.venue_id
FROM job_dating WHERE job_dating.id = invitation.job_dating_id AND invitation.answer IS NOT NULL
"""


def upgrade() -> None:
    op.create_table('calendar_reply',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('invitation_id', sa.Uuid(), nullable=False),
    sa.Column('sender', sa.Text(), nullable=False),
    sa.Column('answer', sa.Enum('accepted', 'declined', 'tentative', name='answer', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('stamped_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.Enum('applied', 'unverified', 'outdated', 'late', 'dismissed', name='reply_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.ForeignKeyConstraint(['invitation_id'], ['invitation.id'], name=op.f('fk_calendar_reply_invitation_id_invitation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_reply')),
    sa.UniqueConstraint('digest', name=op.f('uq_calendar_reply_digest'))
    )
    op.create_index('ix_calendar_reply_invitation_id', 'calendar_reply', ['invitation_id'], unique=False)
    op.create_table('invitation_notice',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('invitation_id', sa.Uuid(), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('method', sa.Enum('request', 'cancel', name='method', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('stamped_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('first_round_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('town', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('access_text', sa.Text(), nullable=False),
    sa.Column('partner_ids', sa.ARRAY(sa.Uuid()), nullable=False),
    sa.CheckConstraint('sequence >= 0', name=op.f('ck_invitation_notice_sequence_counts_up')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_invitation_notice_starts_before_it_ends')),
    sa.ForeignKeyConstraint(['invitation_id'], ['invitation.id'], name=op.f('fk_invitation_notice_invitation_id_invitation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitation_notice')),
    sa.UniqueConstraint('invitation_id', 'sequence', name=op.f('uq_invitation_notice_invitation_id_sequence'))
    )
    op.add_column('invitation', sa.Column('uid', sa.Text(), nullable=False, server_default=''))
    op.alter_column('invitation', 'uid', server_default=None)
    op.add_column('invitation', sa.Column('organizer', sa.Text(), nullable=False, server_default=''))
    op.alter_column('invitation', 'organizer', server_default=None)
    op.add_column('invitation', sa.Column('answered_starts_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('invitation', sa.Column('answered_venue_id', sa.Uuid(), nullable=True))
    op.add_column('invitation', sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('uq_invitation_uid', 'invitation', ['uid'], unique=True, postgresql_where=sa.text("uid <> ''"))
    op.add_column('job_dating', sa.Column('version', sa.Integer(), nullable=False, server_default='1'))
    op.alter_column('job_dating', 'version', server_default=None)
    op.add_column('user_account', sa.Column('calendar_version', sa.Integer(), nullable=False, server_default='1'))
    op.alter_column('user_account', 'calendar_version', server_default=None)
    op.add_column('venue', sa.Column('calendar_version', sa.Integer(), nullable=False, server_default='1'))
    op.alter_column('venue', 'calendar_version', server_default=None)
    op.create_check_constraint(op.f('ck_job_dating_version_counts_up'), 'job_dating', 'version >= 1')
    op.drop_constraint(op.f('ck_invitation_answer_channel'), 'invitation_answer', type_='check')
    op.create_check_constraint(op.f('ck_invitation_answer_channel'), 'invitation_answer', CHANNELS + " OR channel = 'calendar'")
    op.execute(NOTICES)
    op.execute(NAMES)
    op.execute(ANSWERS)


def downgrade() -> None:
    op.execute("UPDATE invitation_answer SET channel = 'link' WHERE channel = 'calendar'")
    op.drop_constraint(op.f('ck_invitation_answer_channel'), 'invitation_answer', type_='check')
    op.create_check_constraint(op.f('ck_invitation_answer_channel'), 'invitation_answer', CHANNELS)
    op.drop_constraint(op.f('ck_job_dating_version_counts_up'), 'job_dating', type_='check')
    op.drop_column('venue', 'calendar_version')
    op.drop_column('user_account', 'calendar_version')
    op.drop_column('job_dating', 'version')
    op.drop_index('uq_invitation_uid', table_name='invitation', postgresql_where=sa.text("uid <> ''"))
    op.drop_column('invitation', 'withdrawn_at')
    op.drop_column('invitation', 'answered_venue_id')
    op.drop_column('invitation', 'answered_starts_at')
    op.drop_column('invitation', 'organizer')
    op.drop_column('invitation', 'uid')
    op.drop_table('invitation_notice')
    op.drop_index('ix_calendar_reply_invitation_id', table_name='calendar_reply')
    op.drop_table('calendar_reply')
