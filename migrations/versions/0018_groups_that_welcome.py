"""Ask employer groups, let silence be an answer, and let a group meet at a job dating

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

STATUSES = "status IN ('pending', 'interested', 'declined')"


def upgrade() -> None:
    op.create_table('pool_meeting',
    sa.Column('pool_id', sa.Uuid(), nullable=False),
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('told', sa.SmallInteger(), nullable=False),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_pool_meeting_venue_id_venue')),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_pool_meeting_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['pool_id'], ['pool.id'], name=op.f('fk_pool_meeting_pool_id_pool'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('pool_id', name=op.f('pk_pool_meeting'))
    )
    op.create_index(op.f('ix_pool_meeting_job_dating_id'), 'pool_meeting', ['job_dating_id'], unique=False)
    op.create_index(op.f('ix_pool_meeting_venue_id'), 'pool_meeting', ['venue_id'], unique=False)
    op.create_table('pool_welcome',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('pool_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Enum('pending', 'accepted', 'declined', name='welcome_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'pending') = (answered_at IS NULL)", name=op.f('ck_pool_welcome_an_answer_has_a_time')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_pool_welcome_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['pool_id'], ['pool.id'], name=op.f('fk_pool_welcome_pool_id_pool'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pool_welcome')),
    sa.UniqueConstraint('pool_id', 'organisation_id', name=op.f('uq_pool_welcome_pool_id_organisation_id'))
    )
    op.create_index(op.f('ix_pool_welcome_organisation_id'), 'pool_welcome', ['organisation_id'], unique=False)
    op.drop_constraint(op.f('ck_pool_share_share_status'), 'pool_share', type_='check')
    op.create_check_constraint(op.f('ck_pool_share_share_status'), 'pool_share', STATUSES + " OR status = 'silent'")
    op.add_column('pool_share', sa.Column('asked', sa.SmallInteger(), server_default='1', nullable=False))


def downgrade() -> None:
    op.drop_column('pool_share', 'asked')
    op.execute("UPDATE pool_share SET status = 'declined' WHERE status = 'silent'")
    op.drop_constraint(op.f('ck_pool_share_share_status'), 'pool_share', type_='check')
    op.create_check_constraint(op.f('ck_pool_share_share_status'), 'pool_share', STATUSES)
    op.drop_index(op.f('ix_pool_welcome_organisation_id'), table_name='pool_welcome')
    op.drop_table('pool_welcome')
    op.drop_index(op.f('ix_pool_meeting_venue_id'), table_name='pool_meeting')
    op.drop_index(op.f('ix_pool_meeting_job_dating_id'), table_name='pool_meeting')
    op.drop_table('pool_meeting')
