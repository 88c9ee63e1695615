"""Remember runs whole, decisions on pairs, weights, and whom mails are for

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

STATUSES = "status IN ('queued', 'sending', 'sent', 'failed', 'superseded', 'cancelled')"


def upgrade() -> None:
    op.create_table('criteria_weights',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('category', sa.Enum('job', 'pooled_job', 'purchase', 'premises', 'skills_sponsorship', 'peer_training', 'succession', 'material', name='category', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('weights', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('set_by_id', sa.Uuid(), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['set_by_id'], ['user_account.id'], name=op.f('fk_criteria_weights_set_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_criteria_weights_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_criteria_weights'))
    )
    op.create_index(op.f('ix_criteria_weights_set_by_id'), 'criteria_weights', ['set_by_id'], unique=False)
    op.create_index('ix_criteria_weights_territory_id_category_set_at', 'criteria_weights', ['territory_id', 'category', 'set_at'], unique=False)
    op.create_table('pair_decision',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('need_id', sa.Uuid(), nullable=False),
    sa.Column('offer_id', sa.Uuid(), nullable=False),
    sa.Column('verdict', sa.Enum('locked', 'refused', name='verdict', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_pair_decision_decided_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_pair_decision_need_id_need'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_pair_decision_offer_id_offer'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pair_decision')),
    sa.UniqueConstraint('need_id', 'offer_id', name=op.f('uq_pair_decision_need_id_offer_id'))
    )
    op.create_index(op.f('ix_pair_decision_decided_by_id'), 'pair_decision', ['decided_by_id'], unique=False)
    op.create_index(op.f('ix_pair_decision_offer_id'), 'pair_decision', ['offer_id'], unique=False)
    op.create_table('matching_instance',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('arrays', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['matching_run.id'], name=op.f('fk_matching_instance_run_id_matching_run'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_matching_instance'))
    )
    op.add_column('matching_run', sa.Column('inputs_hash', sa.Text(), nullable=False, server_default=''))
    op.alter_column('matching_run', 'inputs_hash', server_default=None)
    op.add_column('matching_run', sa.Column('weights', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default='{}'))
    op.alter_column('matching_run', 'weights', server_default=None)
    op.add_column('matching_run', sa.Column('fairness', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default='{}'))
    op.alter_column('matching_run', 'fairness', server_default=None)
    op.add_column('outbox_mail', sa.Column('kind', sa.Text(), nullable=False, server_default=''))
    op.alter_column('outbox_mail', 'kind', server_default=None)
    op.add_column('outbox_mail', sa.Column('organisation_id', sa.Uuid(), nullable=True))
    op.create_index(op.f('ix_outbox_mail_organisation_id'), 'outbox_mail', ['organisation_id'], unique=False)
    op.create_foreign_key(op.f('fk_outbox_mail_organisation_id_organisation'), 'outbox_mail', 'organisation', ['organisation_id'], ['id'], ondelete='SET NULL')
    op.drop_constraint(op.f('ck_outbox_mail_mail_status'), 'outbox_mail', type_='check')
    op.create_check_constraint(op.f('ck_outbox_mail_mail_status'), 'outbox_mail', STATUSES + " OR status = 'bounced'")
    op.drop_constraint(op.f('ck_outbox_mail_sent_has_a_time'), 'outbox_mail', type_='check')
    op.create_check_constraint(op.f('ck_outbox_mail_sent_has_a_time'), 'outbox_mail', "(status IN ('sent', 'bounced')) = (sent_at IS NOT NULL)")


def downgrade() -> None:
    op.execute("UPDATE outbox_mail SET status = 'sent' WHERE status = 'bounced'")
    op.drop_constraint(op.f('ck_outbox_mail_sent_has_a_time'), 'outbox_mail', type_='check')
    op.create_check_constraint(op.f('ck_outbox_mail_sent_has_a_time'), 'outbox_mail', "(status = 'sent') = (sent_at IS NOT NULL)")
    op.drop_constraint(op.f('ck_outbox_mail_mail_status'), 'outbox_mail', type_='check')
    op.create_check_constraint(op.f('ck_outbox_mail_mail_status'), 'outbox_mail', STATUSES)
    op.drop_constraint(op.f('fk_outbox_mail_organisation_id_organisation'), 'outbox_mail', type_='foreignkey')
    op.drop_index(op.f('ix_outbox_mail_organisation_id'), table_name='outbox_mail')
    op.drop_column('outbox_mail', 'organisation_id')
    op.drop_column('outbox_mail', 'kind')
    op.drop_column('matching_run', 'fairness')
    op.drop_column('matching_run', 'weights')
    op.drop_column('matching_run', 'inputs_hash')
    op.drop_table('matching_instance')
    op.drop_index(op.f('ix_pair_decision_offer_id'), table_name='pair_decision')
    op.drop_index(op.f('ix_pair_decision_decided_by_id'), table_name='pair_decision')
    op.drop_table('pair_decision')
    op.drop_index('ix_criteria_weights_territory_id_category_set_at', table_name='criteria_weights')
    op.drop_index(op.f('ix_criteria_weights_set_by_id'), table_name='criteria_weights')
    op.drop_table('criteria_weights')
