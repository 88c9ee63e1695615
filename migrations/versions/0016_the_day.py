"""The day of a job dating: who is there, helpers’ phones, tables that are lost, changes of the plan

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('check_in_link',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('length(btrim(name)) > 0', name=op.f('ck_check_in_link_has_a_name')),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_check_in_link_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['made_by_id'], ['user_account.id'], name=op.f('fk_check_in_link_made_by_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_check_in_link'))
    )
    op.create_index(op.f('ix_check_in_link_job_dating_id'), 'check_in_link', ['job_dating_id'], unique=False)
    op.create_index(op.f('ix_check_in_link_made_by_id'), 'check_in_link', ['made_by_id'], unique=False)
    op.create_table('plan_change',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('moves', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_plan_change_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_change')),
    sa.UniqueConstraint('job_dating_id', 'version', name=op.f('uq_plan_change_job_dating_id_version'))
    )
    op.create_table('lost_table',
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('table_id', sa.Uuid(), nullable=False),
    sa.Column('from_round', sa.Integer(), nullable=False),
    sa.CheckConstraint('from_round >= 0', name=op.f('ck_lost_table_round_counts_from_zero')),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_lost_table_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['table_id'], ['venue_table.id'], name=op.f('fk_lost_table_table_id_venue_table'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_dating_id', 'table_id', name=op.f('pk_lost_table'))
    )
    op.create_index(op.f('ix_lost_table_table_id'), 'lost_table', ['table_id'], unique=False)
    op.create_table('presence_act',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('participant_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('expected', 'present', 'late', 'excused', 'no_show', 'left', name='presence_state', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('delegates', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=True),
    sa.Column('acted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.CheckConstraint('acted_at <= received_at', name=op.f('ck_presence_act_acts_are_not_in_the_future')),
    sa.CheckConstraint('delegates BETWEEN 1 AND 9', name=op.f('ck_presence_act_delegates_are_sane')),
    sa.CheckConstraint('round >= 0', name=op.f('ck_presence_act_round_counts_from_zero')),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_presence_act_participant_id_participant'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_presence_act'))
    )
    op.create_index('ix_presence_act_participant_id_acted_at', 'presence_act', ['participant_id', 'acted_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_presence_act_participant_id_acted_at', table_name='presence_act')
    op.drop_table('presence_act')
    op.drop_index(op.f('ix_lost_table_table_id'), table_name='lost_table')
    op.drop_table('lost_table')
    op.drop_table('plan_change')
    op.drop_index(op.f('ix_check_in_link_made_by_id'), table_name='check_in_link')
    op.drop_index(op.f('ix_check_in_link_job_dating_id'), table_name='check_in_link')
    op.drop_table('check_in_link')
