"""Let the database guard the ways of a mail, pace the domains, and remember that the relay takes nothing

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

ARROWS = """
CREATE FUNCTION outbox_mail_follows_arrows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) IN (
        ('queued', 'sending'), ('queued', 'superseded'), ('queued', 'cancelled'), ('queued', 'failed'),
        ('sending', 'sent'), ('sending', 'queued'), ('sending', 'failed'),
        ('sent', 'bounced'), ('failed', 'queued')
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'mail % cannot go from % to %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', TABLE = 'outbox_mail', CONSTRAINT = 'ck_outbox_mail_follows_arrows';
END $$;
CREATE TRIGGER follows_arrows BEFORE UPDATE OF status ON outbox_mail
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION outbox_mail_follows_arrows();
"""
# Emptied when they are kept no longer; never anything else.
FROZEN = """
CREATE FUNCTION outbox_mail_keeps_its_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.message_id IS DISTINCT FROM OLD.message_id OR (NEW.message IS DISTINCT FROM OLD.message AND length(NEW.message) > 0) THEN
        RAISE EXCEPTION 'mail % keeps its bytes', OLD.id
            USING ERRCODE = 'check_violation', TABLE = 'outbox_mail', CONSTRAINT = 'ck_outbox_mail_keeps_its_bytes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keeps_its_bytes BEFORE UPDATE OF message, message_id ON outbox_mail
    FOR EACH ROW EXECUTE FUNCTION outbox_mail_keeps_its_bytes();
"""


def upgrade() -> None:
    op.add_column('outbox_mail', sa.Column('thread', sa.Text(), sa.Computed("split_part(idempotency_key, ':', 1)", persisted=True), nullable=False))
    op.add_column('outbox_mail', sa.Column('domain', sa.Text(), sa.Computed("lower(substring(recipient from '[^@]*$'))", persisted=True), nullable=False))
    op.add_column('outbox_mail', sa.Column('released_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_outbox_mail_thread_id', 'outbox_mail', ['thread', 'id'], unique=False)
    op.create_index(op.f('ix_outbox_mail_recipient'), 'outbox_mail', ['recipient'], unique=False)
    op.create_index('uq_outbox_mail_thread_under_way', 'outbox_mail', ['thread'], unique=True, postgresql_where=sa.text("status = 'sending'"))
    op.create_table('relay_state',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('closed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('probed_by', sa.Integer(), nullable=True),
    sa.Column('last_code', sa.Integer(), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_relay_state_one_relay')),
    sa.CheckConstraint('(failures > 0) = (closed_until IS NOT NULL)', name=op.f('ck_relay_state_closed_after_failures')),
    sa.CheckConstraint('probed_by IS NULL OR failures > 0', name=op.f('ck_relay_state_probed_while_closed')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_relay_state'))
    )
    op.execute("INSERT INTO relay_state (id, failures, last_error) VALUES (1, 0, '')")
    op.create_table('domain_pace',
    sa.Column('domain', sa.Text(), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('domain', name=op.f('pk_domain_pace')),
    prefixes=['UNLOGGED']
    )
    op.execute(ARROWS)
    op.execute(FROZEN)


def downgrade() -> None:
    op.execute('DROP TRIGGER keeps_its_bytes ON outbox_mail')
    op.execute('DROP FUNCTION outbox_mail_keeps_its_bytes')
    op.execute('DROP TRIGGER follows_arrows ON outbox_mail')
    op.execute('DROP FUNCTION outbox_mail_follows_arrows')
    op.drop_table('domain_pace')
    op.drop_table('relay_state')
    op.drop_index('uq_outbox_mail_thread_under_way', table_name='outbox_mail', postgresql_where=sa.text("status = 'sending'"))
    op.drop_index(op.f('ix_outbox_mail_recipient'), table_name='outbox_mail')
    op.drop_index('ix_outbox_mail_thread_id', table_name='outbox_mail')
    op.drop_column('outbox_mail', 'released_at')
    op.drop_column('outbox_mail', 'domain')
    op.drop_column('outbox_mail', 'thread')
