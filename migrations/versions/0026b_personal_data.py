"""What people decide about their own data: texts accepted, exports, erasures; structures that were erased

Revision: 0026b
Follows: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = '0026b'
down_revision = '0026'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('organisation', sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True))
    op.create_table('consent',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('legal_text', sa.Enum('terms', 'privacy', name='legal_text', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_consent_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'legal_text', 'version', name=op.f('pk_consent'))
    )
    op.create_table('data_export',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ready_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint('(ready_at IS NULL) = (expires_at IS NULL)', name=op.f('ck_data_export_ready_has_an_end')),
    sa.CheckConstraint('content IS NULL OR ready_at IS NOT NULL', name=op.f('ck_data_export_content_is_ready')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_data_export_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_data_export'))
    )
    op.create_index('ix_data_export_user_id', 'data_export', ['user_id'], unique=False)
    op.create_index('uq_data_export_waiting', 'data_export', ['user_id'], unique=True, postgresql_where=sa.text('ready_at IS NULL'))
    op.create_table('erasure_request',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_for_idleness', sa.Boolean(), nullable=False),
    sa.CheckConstraint('due_at > asked_at', name=op.f('ck_erasure_request_leaves_time_to_change_ones_mind')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_erasure_request_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_erasure_request'))
    )
    op.create_table('spent_link',
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_spent_link'))
    )


def downgrade() -> None:
    op.drop_table('spent_link')
    op.drop_table('erasure_request')
    op.drop_index('uq_data_export_waiting', table_name='data_export', postgresql_where=sa.text('ready_at IS NULL'))
    op.drop_index('ix_data_export_user_id', table_name='data_export')
    op.drop_table('data_export')
    op.drop_table('consent')
    op.drop_column('organisation', 'erased_at')
