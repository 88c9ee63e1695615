"""Ask day by day: solicitations counted by week and month, absences, working hours, the price of a mail

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

# A third of the month in a week, as services/asking_budgets has it.
WEEKLY = "UPDATE organisation SET weekly_budget = CASE WHEN monthly_budget < 3 THEN LEAST(1, monthly_budget) ELSE LEAST(15, CEIL(monthly_budget / 3.0)) END"
# What was put until now, but for what was taken back with its whole sending.
ASKED = """
INSERT INTO solicitation (id, organisation_id, kind, proposal_id, day, load)
SELECT gen_random_uuid(), proposal.organisation_id, 'proposal', proposal.id, (proposal.proposed_at AT TIME ZONE 'Europe/Paris')::date, 0
FROM proposal JOIN match ON match.id = proposal.match_id WHERE match.status <> 'preview'
"""
# A week that was fuller than what is accepted now is full.
COUNTED = """
INSERT INTO solicitation_count (organisation_id, period, starts_on, count, ceiling)
SELECT organisation_id, period, date_trunc(period, day)::date, count(*),
    GREATEST(count(*), min(CASE period WHEN 'week' THEN weekly_budget ELSE monthly_budget END))
FROM solicitation JOIN organisation ON organisation.id = organisation_id CROSS JOIN (VALUES ('week'), ('month')) AS periods (period)
GROUP BY organisation_id, period, date_trunc(period, day)
"""


def upgrade() -> None:
    op.create_table('asking_day',
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('price', sa.Double(), nullable=False),
    sa.Column('figures', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_asking_day_territory_id_territory')),
    sa.PrimaryKeyConstraint('territory_id', 'day', name=op.f('pk_asking_day'))
    )
    op.create_table('absence',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.CheckConstraint('starts_on <= ends_on', name=op.f('ck_absence_starts_before_it_ends')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_absence_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_absence'))
    )
    op.create_index(op.f('ix_absence_organisation_id'), 'absence', ['organisation_id'], unique=False)
    op.create_table('solicitation_count',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('period', sa.Enum('week', 'month', name='period', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('ceiling', sa.Integer(), nullable=False),
    sa.CheckConstraint("(period = 'week' AND EXTRACT(isodow FROM starts_on) = 1) OR (period = 'month' AND EXTRACT(day FROM starts_on) = 1)", name=op.f('ck_solicitation_count_starts_with_its_period')),
    sa.CheckConstraint('count BETWEEN 0 AND ceiling', name=op.f('ck_solicitation_count_never_more_than_accepted')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_solicitation_count_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organisation_id', 'period', 'starts_on', name=op.f('pk_solicitation_count'))
    )
    op.create_table('asking_price',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('price', sa.Double(), nullable=False),
    sa.Column('newcomers', sa.Double(), nullable=False),
    sa.Column('waiting', sa.Double(), nullable=False),
    sa.Column('set_by_id', sa.Uuid(), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('newcomers BETWEEN 1 AND 3 AND waiting BETWEEN 1 AND 3', name=op.f('ck_asking_price_weights_are_sane')),
    sa.CheckConstraint('price BETWEEN 0.001 AND 0.5', name=op.f('ck_asking_price_price_is_sane')),
    sa.ForeignKeyConstraint(['set_by_id'], ['user_account.id'], name=op.f('fk_asking_price_set_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_asking_price_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_asking_price'))
    )
    op.create_index(op.f('ix_asking_price_set_by_id'), 'asking_price', ['set_by_id'], unique=False)
    op.create_index('ix_asking_price_territory_id_set_at', 'asking_price', ['territory_id', 'set_at'], unique=False)
    op.create_table('solicitation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('proposal', 'reminder', 'invitation', name='solicitation_kind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('proposal_id', sa.Uuid(), nullable=True),
    sa.Column('invitation_id', sa.Uuid(), nullable=True),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('load', sa.Double(), nullable=False),
    sa.Column('returned_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(kind = 'invitation') = (invitation_id IS NOT NULL)", name=op.f('ck_solicitation_an_invitation_is_named')),
    sa.CheckConstraint("(kind = 'invitation') = (proposal_id IS NULL)", name=op.f('ck_solicitation_a_proposal_is_named')),
    sa.CheckConstraint('load >= 0', name=op.f('ck_solicitation_load_is_not_negative')),
    sa.ForeignKeyConstraint(['invitation_id'], ['invitation.id'], name=op.f('fk_solicitation_invitation_id_invitation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_solicitation_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_solicitation_proposal_id_proposal'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_solicitation'))
    )
    op.create_index('ix_solicitation_organisation_id_day', 'solicitation', ['organisation_id', 'day'], unique=False)
    op.create_index(op.f('ix_solicitation_proposal_id'), 'solicitation', ['proposal_id'], unique=False)
    op.create_index('uq_solicitation_invitation', 'solicitation', ['invitation_id'], unique=True, postgresql_where=sa.text('returned_at IS NULL AND invitation_id IS NOT NULL'))
    op.create_index('uq_solicitation_proposal_kind', 'solicitation', ['proposal_id', 'kind'], unique=True, postgresql_where=sa.text('returned_at IS NULL AND proposal_id IS NOT NULL'))
    op.add_column('organisation', sa.Column('weekly_budget', sa.Integer(), nullable=False, server_default='2'))
    op.alter_column('organisation', 'weekly_budget', server_default=None)
    op.add_column('organisation', sa.Column('working_days', sa.SmallInteger(), nullable=False, server_default='31'))
    op.alter_column('organisation', 'working_days', server_default=None)
    op.add_column('organisation', sa.Column('opens_at', sa.SmallInteger(), nullable=False, server_default='8'))
    op.alter_column('organisation', 'opens_at', server_default=None)
    op.add_column('organisation', sa.Column('closes_at', sa.SmallInteger(), nullable=False, server_default='18'))
    op.alter_column('organisation', 'closes_at', server_default=None)
    op.add_column('organisation', sa.Column('history_from', sa.Date(), nullable=True))
    op.create_check_constraint(op.f('ck_organisation_weekly_budget_is_sane'), 'organisation', 'weekly_budget BETWEEN 0 AND 15')
    op.create_check_constraint(op.f('ck_organisation_works_on_some_day'), 'organisation', 'working_days BETWEEN 1 AND 127')
    op.create_check_constraint(
        op.f('ck_organisation_opens_before_it_closes'), 'organisation', 'opens_at BETWEEN 0 AND 23 AND closes_at BETWEEN 1 AND 24 AND opens_at < closes_at'
    )
    op.add_column('proposal', sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('proposal', sa.Column('lifted_by_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_proposal_lifted_by_id_user_account'), 'proposal', 'user_account', ['lifted_by_id'], ['id'], ondelete='SET NULL')
    op.create_index(op.f('ix_proposal_lifted_by_id'), 'proposal', ['lifted_by_id'], unique=False)
    op.execute(WEEKLY)
    op.execute(ASKED)
    op.execute(COUNTED)


def downgrade() -> None:
    op.drop_constraint(op.f('fk_proposal_lifted_by_id_user_account'), 'proposal', type_='foreignkey')
    op.drop_column('proposal', 'lifted_by_id')
    op.drop_column('proposal', 'lifted_at')
    for name in ('weekly_budget_is_sane', 'works_on_some_day', 'opens_before_it_closes'):
        op.drop_constraint(op.f(f'ck_organisation_{name}'), 'organisation', type_='check')
    op.drop_column('organisation', 'history_from')
    op.drop_column('organisation', 'closes_at')
    op.drop_column('organisation', 'opens_at')
    op.drop_column('organisation', 'working_days')
    op.drop_column('organisation', 'weekly_budget')
    op.drop_index('uq_solicitation_proposal_kind', table_name='solicitation', postgresql_where=sa.text('returned_at IS NULL AND proposal_id IS NOT NULL'))
    op.drop_index('uq_solicitation_invitation', table_name='solicitation', postgresql_where=sa.text('returned_at IS NULL AND invitation_id IS NOT NULL'))
    op.drop_index(op.f('ix_solicitation_proposal_id'), table_name='solicitation')
    op.drop_index('ix_solicitation_organisation_id_day', table_name='solicitation')
    op.drop_table('solicitation')
    op.drop_index('ix_asking_price_territory_id_set_at', table_name='asking_price')
    op.drop_index(op.f('ix_asking_price_set_by_id'), table_name='asking_price')
    op.drop_table('asking_price')
    op.drop_table('solicitation_count')
    op.drop_index(op.f('ix_absence_organisation_id'), table_name='absence')
    op.drop_table('absence')
    op.drop_table('asking_day')
