"""Compose shared jobs, propose them to their group

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('need_pair_rule',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('first_need_id', sa.Uuid(), nullable=False),
    sa.Column('second_need_id', sa.Uuid(), nullable=False),
    sa.Column('rule', sa.Enum('together', 'apart', name='pair_rule', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('first_need_id < second_need_id', name=op.f('ck_need_pair_rule_first_is_the_smaller')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_need_pair_rule_decided_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['first_need_id'], ['need.id'], name=op.f('fk_need_pair_rule_first_need_id_need'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['second_need_id'], ['need.id'], name=op.f('fk_need_pair_rule_second_need_id_need'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_need_pair_rule')),
    sa.UniqueConstraint('first_need_id', 'second_need_id', name=op.f('uq_need_pair_rule_first_need_id_second_need_id'))
    )
    op.create_index(op.f('ix_need_pair_rule_decided_by_id'), 'need_pair_rule', ['decided_by_id'], unique=False)
    op.create_index(op.f('ix_need_pair_rule_second_need_id'), 'need_pair_rule', ['second_need_id'], unique=False)
    op.create_table('pooling_run',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('requested_by_id', sa.Uuid(), nullable=True),
    sa.Column('status', sa.Enum('queued', 'running', 'ready', 'failed', name='pooling_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('needs_count', sa.Integer(), nullable=False),
    sa.Column('value', sa.Double(), nullable=True),
    sa.Column('bound', sa.Double(), nullable=True),
    sa.Column('misses', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint("(status = 'ready') = (value IS NOT NULL AND bound IS NOT NULL)", name=op.f('ck_pooling_run_a_result_has_a_value')),
    sa.CheckConstraint("status <> 'failed' OR failure <> ''", name=op.f('ck_pooling_run_a_failure_has_a_reason')),
    sa.ForeignKeyConstraint(['requested_by_id'], ['user_account.id'], name=op.f('fk_pooling_run_requested_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_pooling_run_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pooling_run'))
    )
    op.create_index(op.f('ix_pooling_run_requested_by_id'), 'pooling_run', ['requested_by_id'], unique=False)
    op.create_index('ix_pooling_run_territory_id_created_at', 'pooling_run', ['territory_id', 'created_at'], unique=False)
    op.create_index('uq_pooling_run_under_way', 'pooling_run', ['territory_id'], unique=True, postgresql_where=sa.text("status IN ('queued', 'running')"))
    op.add_column('pool', sa.Column('run_id', sa.Uuid(), nullable=True))
    op.add_column('pool', sa.Column('plan', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default='{}'))
    op.add_column('pool', sa.Column('widest_km', sa.Double(), nullable=False, server_default='0'))
    op.add_column('pool', sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('pool', sa.Column('answer_by', sa.Date(), nullable=True))
    op.add_column('pool', sa.Column('agreed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('pool', sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('pool', sa.Column('left_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_pool_run_id'), 'pool', ['run_id'], unique=False)
    op.create_foreign_key(op.f('fk_pool_run_id_pooling_run'), 'pool', 'pooling_run', ['run_id'], ['id'], ondelete='SET NULL')
    op.add_column('pool_share', sa.Column('position', sa.SmallInteger(), nullable=False, server_default='0'))
    op.add_column('pool_share', sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True))
    # What was kept before these columns came has no dates: it is as if it had been said when the row was last changed.
    op.execute("UPDATE pool SET proposed_at = updated_at, answer_by = updated_at::date + 90 WHERE status IN ('proposed', 'agreed', 'signed')")
    op.execute("UPDATE pool SET signed_at = updated_at WHERE status = 'signed'")
    op.execute("UPDATE pool_share SET answered_at = now() WHERE status <> 'pending'")
    op.create_check_constraint(
        op.f('ck_pool_proposed_has_dates'),
        'pool',
        "status NOT IN ('proposed', 'agreed', 'signed') OR (proposed_at IS NOT NULL AND answer_by IS NOT NULL)",
    )
    op.create_check_constraint(op.f('ck_pool_signed_has_a_time'), 'pool', "(status = 'signed') = (signed_at IS NOT NULL)")
    op.create_check_constraint(op.f('ck_pool_one_leaves_before_the_agreement'), 'pool', "left_at IS NULL OR status IN ('proposed', 'dissolved')")
    op.create_check_constraint(op.f('ck_pool_share_an_answer_has_a_time'), 'pool_share', "(status = 'pending') = (answered_at IS NULL)")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_pool_share_an_answer_has_a_time'), 'pool_share')
    for name in ('one_leaves_before_the_agreement', 'signed_has_a_time', 'proposed_has_dates'):
        op.drop_constraint(op.f(f'ck_pool_{name}'), 'pool')
    op.drop_column('pool_share', 'answered_at')
    op.drop_column('pool_share', 'position')
    op.drop_constraint(op.f('fk_pool_run_id_pooling_run'), 'pool', type_='foreignkey')
    op.drop_index(op.f('ix_pool_run_id'), table_name='pool')
    op.drop_column('pool', 'left_at')
    op.drop_column('pool', 'signed_at')
    op.drop_column('pool', 'agreed_at')
    op.drop_column('pool', 'answer_by')
    op.drop_column('pool', 'proposed_at')
    op.drop_column('pool', 'widest_km')
    op.drop_column('pool', 'plan')
    op.drop_column('pool', 'run_id')
    op.drop_index('uq_pooling_run_under_way', table_name='pooling_run', postgresql_where=sa.text("status IN ('queued', 'running')"))
    op.drop_index('ix_pooling_run_territory_id_created_at', table_name='pooling_run')
    op.drop_index(op.f('ix_pooling_run_requested_by_id'), table_name='pooling_run')
    op.drop_table('pooling_run')
    op.drop_index(op.f('ix_need_pair_rule_second_need_id'), table_name='need_pair_rule')
    op.drop_index(op.f('ix_need_pair_rule_decided_by_id'), table_name='need_pair_rule')
    op.drop_table('need_pair_rule')
