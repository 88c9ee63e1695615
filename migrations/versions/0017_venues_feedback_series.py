"""Describe venues as they are, keep what is said of meetings, gather job datings into series

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('series',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('length(btrim(title)) > 0', name=op.f('ck_series_has_a_title')),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_series_venue_id_venue')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_series'))
    )
    op.create_index(op.f('ix_series_venue_id'), 'series', ['venue_id'], unique=False)
    op.create_table('venue_block',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.CheckConstraint("ends_at <= starts_at + interval '370 days'", name=op.f('ck_venue_block_lasts_a_year_at_most')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_venue_block_starts_before_it_ends')),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_venue_block_venue_id_venue'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_venue_block'))
    )
    op.create_index('ix_venue_block_venue_id_starts_at', 'venue_block', ['venue_id', 'starts_at'], unique=False)
    op.create_table('venue_hours',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('weekday', sa.SmallInteger(), nullable=False),
    sa.Column('opens_at', sa.Time(), nullable=False),
    sa.Column('closes_at', sa.Time(), nullable=False),
    sa.CheckConstraint('opens_at < closes_at', name=op.f('ck_venue_hours_opens_before_it_closes')),
    sa.CheckConstraint('weekday BETWEEN 0 AND 6', name=op.f('ck_venue_hours_weekday_is_of_the_week')),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_venue_hours_venue_id_venue'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_venue_hours')),
    sa.UniqueConstraint('venue_id', 'weekday', name=op.f('uq_venue_hours_venue_id_weekday'))
    )
    op.create_table('venue_photo',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('alt', sa.Text(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint('length(btrim(alt)) > 0', name=op.f('ck_venue_photo_is_told_in_words')),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_venue_photo_venue_id_venue'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_venue_photo')),
    sa.UniqueConstraint('venue_id', 'position', deferrable=True, initially='DEFERRED', name=op.f('uq_venue_photo_venue_id_position'))
    )
    op.create_table('series_date',
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('series_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_series_date_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['series_id'], ['series.id'], name=op.f('fk_series_date_series_id_series'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_dating_id', name=op.f('pk_series_date'))
    )
    op.create_index(op.f('ix_series_date_series_id'), 'series_date', ['series_id'], unique=False)
    op.create_table('feedback',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('meeting_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('is_useful', sa.Boolean(), nullable=True),
    sa.Column('wants_again', sa.Boolean(), nullable=False),
    sa.Column('has_next_step', sa.Boolean(), nullable=False),
    sa.Column('is_skipped', sa.Boolean(), nullable=False),
    sa.Column('said_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('NOT is_skipped OR (is_useful IS NULL AND NOT wants_again AND NOT has_next_step)', name=op.f('ck_feedback_skipped_says_nothing')),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_feedback_meeting_id_meeting'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_feedback_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_feedback')),
    sa.UniqueConstraint('meeting_id', 'organisation_id', name=op.f('uq_feedback_meeting_id_organisation_id'))
    )
    op.create_index(op.f('ix_feedback_organisation_id'), 'feedback', ['organisation_id'], unique=False)
    op.add_column('venue', sa.Column('transport_text', sa.Text(), nullable=False, server_default=''))
    op.add_column('venue', sa.Column('equipment', sa.ARRAY(sa.Text()), nullable=False, server_default='{}'))
    op.add_column('venue_table', sa.Column('is_quiet', sa.Boolean(), nullable=False, server_default=sa.false()))
    for table, column in (('venue', 'transport_text'), ('venue', 'equipment'), ('venue_table', 'is_quiet')):
        op.alter_column(table, column, server_default=None)


def downgrade() -> None:
    op.drop_column('venue_table', 'is_quiet')
    op.drop_column('venue', 'equipment')
    op.drop_column('venue', 'transport_text')
    op.drop_index(op.f('ix_feedback_organisation_id'), table_name='feedback')
    op.drop_table('feedback')
    op.drop_index(op.f('ix_series_date_series_id'), table_name='series_date')
    op.drop_table('series_date')
    op.drop_table('venue_photo')
    op.drop_table('venue_hours')
    op.drop_index('ix_venue_block_venue_id_starts_at', table_name='venue_block')
    op.drop_table('venue_block')
    op.drop_index(op.f('ix_series_venue_id'), table_name='series')
    op.drop_table('series')
