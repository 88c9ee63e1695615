"""Set up job datings in steps, and let each say how it comes

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

CHECKS = (
    ('ck_job_dating:meetings_each_are_sane', 'meetings_each BETWEEN 1 AND 50'),
    ('ck_job_dating:max_consecutive_is_sane', 'max_consecutive BETWEEN 1 AND 50'),
    ('ck_participant:arrives_before_it_leaves', 'arrives_at < leaves_at'),
    ('ck_participant:max_meetings_are_sane', 'max_meetings BETWEEN 1 AND 50'),
    ('ck_participant:waiting_has_a_time', "(state = 'waiting') = (waiting_since IS NOT NULL)"),
    ('ck_meeting:locked_means_planned', 'round IS NOT NULL OR NOT is_locked'),
)
# What its invitation says, a participant's own row says too from now on.
STATES = """
UPDATE participant SET state = CASE invitation.answer WHEN 'accepted' THEN 'confirmed' ELSE 'declined' END
FROM invitation
WHERE invitation.job_dating_id = participant.job_dating_id AND invitation.organisation_id = participant.organisation_id
  AND invitation.answer IN ('accepted', 'declined')
"""


def upgrade() -> None:
    op.create_table('wish',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('participant_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('meet', 'not_now', name='wish_kind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_wish_organisation_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_wish_participant_id_participant'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wish')),
    sa.UniqueConstraint('participant_id', 'organisation_id', name=op.f('uq_wish_participant_id_organisation_id'))
    )
    op.create_index(op.f('ix_wish_organisation_id'), 'wish', ['organisation_id'], unique=False)
    op.add_column('invitation', sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('job_dating', sa.Column('territory_id', sa.Integer(), nullable=True))
    op.add_column('job_dating', sa.Column('invited_from', sa.Enum('matches', 'search', 'registration', name='invited_from', native_enum=False, create_constraint=True, length=40), nullable=False, server_default='matches'))
    op.alter_column('job_dating', 'invited_from', server_default=None)
    op.add_column('job_dating', sa.Column('is_registration_open', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('job_dating', 'is_registration_open', server_default=None)
    op.add_column('job_dating', sa.Column('seated', sa.Enum('nobody', 'companies', 'others', name='seated', native_enum=False, create_constraint=True, length=40), nullable=False, server_default='nobody'))
    op.alter_column('job_dating', 'seated', server_default=None)
    op.add_column('job_dating', sa.Column('meetings_each', sa.Integer(), nullable=True))
    op.add_column('job_dating', sa.Column('max_consecutive', sa.Integer(), nullable=True))
    op.add_column('job_dating', sa.Column('only_what_fits', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('job_dating', 'only_what_fits', server_default=None)
    op.add_column('job_dating', sa.Column('plan_due_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_job_dating_territory_id'), 'job_dating', ['territory_id'], unique=False)
    op.create_foreign_key(op.f('fk_job_dating_territory_id_territory'), 'job_dating', 'territory', ['territory_id'], ['id'])
    op.add_column('meeting', sa.Column('is_locked', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('meeting', 'is_locked', server_default=None)
    op.add_column('meeting', sa.Column('status', sa.Enum('planned', 'held', 'missed', 'cancelled', name='meeting_status', native_enum=False, create_constraint=True, length=40), nullable=False, server_default='planned'))
    op.alter_column('meeting', 'status', server_default=None)
    op.add_column('participant', sa.Column('access_note', sa.Text(), nullable=False, server_default=''))
    op.alter_column('participant', 'access_note', server_default=None)
    op.add_column('participant', sa.Column('state', sa.Enum('requested', 'invited', 'confirmed', 'waiting', 'declined', name='participant_state', native_enum=False, create_constraint=True, length=40), nullable=False, server_default='invited'))
    op.alter_column('participant', 'state', server_default=None)
    op.add_column('participant', sa.Column('waiting_since', sa.DateTime(timezone=True), nullable=True))
    op.add_column('participant', sa.Column('arrives_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('participant', sa.Column('leaves_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('participant', sa.Column('max_meetings', sa.Integer(), nullable=True))
    op.add_column('participant', sa.Column('fixed_table_id', sa.Uuid(), nullable=True))
    op.add_column('participant', sa.Column('said_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_participant_fixed_table_id'), 'participant', ['fixed_table_id'], unique=False)
    op.create_index('uq_participant_fixed_table', 'participant', ['job_dating_id', 'fixed_table_id'], unique=True, postgresql_where=sa.text('fixed_table_id IS NOT NULL'))
    op.create_foreign_key(op.f('fk_participant_fixed_table_id_venue_table'), 'participant', 'venue_table', ['fixed_table_id'], ['id'], ondelete='SET NULL')
    for name, condition in CHECKS:
        table = name.removeprefix('ck_').partition(':')[0]
        op.create_check_constraint(op.f(name.replace(':', '_')), table, condition)
    op.execute(STATES)


def downgrade() -> None:
    for name in ('ck_participant_arrives_before_it_leaves', 'ck_participant_max_meetings_are_sane', 'ck_participant_waiting_has_a_time'):
        op.drop_constraint(op.f(name), 'participant', type_='check')
    op.drop_constraint(op.f('ck_meeting_locked_means_planned'), 'meeting', type_='check')
    op.drop_constraint(op.f('fk_participant_fixed_table_id_venue_table'), 'participant', type_='foreignkey')
    op.drop_index('uq_participant_fixed_table', table_name='participant', postgresql_where=sa.text('fixed_table_id IS NOT NULL'))
    op.drop_index(op.f('ix_participant_fixed_table_id'), table_name='participant')
    op.drop_column('participant', 'said_at')
    op.drop_column('participant', 'fixed_table_id')
    op.drop_column('participant', 'max_meetings')
    op.drop_column('participant', 'leaves_at')
    op.drop_column('participant', 'arrives_at')
    op.drop_column('participant', 'waiting_since')
    op.drop_column('participant', 'state')
    op.drop_column('participant', 'access_note')
    op.drop_column('meeting', 'status')
    op.drop_column('meeting', 'is_locked')
    op.drop_constraint(op.f('fk_job_dating_territory_id_territory'), 'job_dating', type_='foreignkey')
    op.drop_index(op.f('ix_job_dating_territory_id'), table_name='job_dating')
    op.drop_column('job_dating', 'plan_due_at')
    op.drop_column('job_dating', 'only_what_fits')
    op.drop_column('job_dating', 'max_consecutive')
    op.drop_column('job_dating', 'meetings_each')
    op.drop_column('job_dating', 'seated')
    op.drop_column('job_dating', 'is_registration_open')
    op.drop_column('job_dating', 'invited_from')
    op.drop_column('job_dating', 'territory_id')
    op.drop_column('invitation', 'reminded_at')
    op.drop_index(op.f('ix_wish_organisation_id'), table_name='wish')
    op.drop_table('wish')
