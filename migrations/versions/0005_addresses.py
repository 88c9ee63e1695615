"""Remember addresses that no mail reaches, and what they refuse

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('heartbeat',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_heartbeat'))
    )
    op.create_table('mail_address',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Enum('open', 'blocked', name='address_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('blocked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('opened_by_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(status = 'blocked') = (blocked_at IS NOT NULL)", name=op.f('ck_mail_address_blocked_has_a_time')),
    sa.CheckConstraint("hash ~ '^[0-9a-f]{64}$'", name=op.f('ck_mail_address_hash_is_a_sha256')),
    sa.ForeignKeyConstraint(['opened_by_id'], ['user_account.id'], name=op.f('fk_mail_address_opened_by_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_mail_address'))
    )
    op.create_index(op.f('ix_mail_address_opened_by_id'), 'mail_address', ['opened_by_id'], unique=False)
    op.create_table('mail_call',
    sa.Column('mail_id', sa.Integer(), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_by_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['done_by_id'], ['user_account.id'], name=op.f('fk_mail_call_done_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['mail_id'], ['outbox_mail.id'], name=op.f('fk_mail_call_mail_id_outbox_mail'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mail_id', name=op.f('pk_mail_call'))
    )
    op.create_index(op.f('ix_mail_call_done_by_id'), 'mail_call', ['done_by_id'], unique=False)
    op.create_table('mail_bounce',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('address_hash', sa.String(length=64), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('is_hard', sa.Boolean(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('bounced_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['address_hash'], ['mail_address.hash'], name=op.f('fk_mail_bounce_address_hash_mail_address'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_bounce'))
    )
    op.create_index('ix_mail_bounce_address_hash_bounced_at', 'mail_bounce', ['address_hash', 'bounced_at'], unique=False)
    op.create_index('uq_mail_bounce_key', 'mail_bounce', ['key'], unique=True)
    op.create_table('mail_objection',
    sa.Column('address_hash', sa.String(length=64), nullable=False),
    sa.Column('topic', sa.Enum('invitations', 'proposals', 'digest', 'campaigns', name='topic', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('source', sa.Enum('link', 'one_click', 'account', 'complaint', name='objection_source', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('objected_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['address_hash'], ['mail_address.hash'], name=op.f('fk_mail_objection_address_hash_mail_address'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('address_hash', 'topic', name=op.f('pk_mail_objection'))
    )
    op.add_column('outbox_mail', sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()))
    op.alter_column('outbox_mail', 'changed_at', server_default=None)
    op.create_index(op.f('ix_outbox_mail_message_id'), 'outbox_mail', ['message_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_outbox_mail_message_id'), table_name='outbox_mail')
    op.drop_column('outbox_mail', 'changed_at')
    op.drop_table('mail_objection')
    op.drop_index('uq_mail_bounce_key', table_name='mail_bounce')
    op.drop_index('ix_mail_bounce_address_hash_bounced_at', table_name='mail_bounce')
    op.drop_table('mail_bounce')
    op.drop_index(op.f('ix_mail_call_done_by_id'), table_name='mail_call')
    op.drop_table('mail_call')
    op.drop_index(op.f('ix_mail_address_opened_by_id'), table_name='mail_address')
    op.drop_table('mail_address')
    op.drop_table('heartbeat')
