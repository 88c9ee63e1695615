"""An audit log that is only added to, for twelve months

Revision: 0026
Follows: 0019h
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0026'
down_revision = '0019h'
branch_labels = None
depends_on = None

ROLES = ('member', 'host', 'animator', 'admin')
ACTIONS = (
    'signed_in', 'sign_in_refused', 'code_refused', 'signed_out', 'password_changed', 'second_factor_on', 'second_factor_off', 'identity_linked',
    'account_opened', 'rights_changed', 'account_closed', 'account_reopened', 'members_changed', 'organisations_merged', 'forged_form', 'file_taken',
    'data_exported', 'erasure_asked', 'erasure_called_off', 'erased', 'run_published', 'run_taken_back', 'mail_resent', 'address_reopened',
)
# Lines older than twelve months are removed by who says so (SET LOCAL croisee.erasing = 'on'); younger ones by nobody.
TRIGGERS = """
CREATE FUNCTION audit_entry_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_setting('croisee.erasing', true) = 'on' AND OLD.at < now() - interval '12 months' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_entry is only added to'
        USING ERRCODE = 'check_violation', TABLE = 'audit_entry', CONSTRAINT = 'ck_audit_entry_is_only_added_to';
END $$;
CREATE TRIGGER is_only_added_to BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_is_only_added_to();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_is_only_added_to();
"""


def upgrade() -> None:
    op.create_table('audit_entry',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('role', sa.Enum(*ROLES, name='role', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('action', sa.Enum(*ACTIONS, name='audit_action', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('object_kind', sa.Text(), nullable=False),
    sa.Column('object_id', sa.Text(), nullable=False),
    sa.Column('changes', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entry'))
    )
    op.create_index('ix_audit_entry_at', 'audit_entry', ['at'], unique=False)
    op.create_index('ix_audit_entry_actor_id_at', 'audit_entry', ['actor_id', 'at'], unique=False)
    op.create_index('ix_audit_entry_action_at', 'audit_entry', ['action', 'at'], unique=False)
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.execute('DROP TRIGGER is_never_emptied ON audit_entry')
    op.execute('DROP TRIGGER is_only_added_to ON audit_entry')
    op.execute('DROP FUNCTION audit_entry_is_only_added_to')
    op.drop_index('ix_audit_entry_action_at', table_name='audit_entry')
    op.drop_index('ix_audit_entry_actor_id_at', table_name='audit_entry')
    op.drop_index('ix_audit_entry_at', table_name='audit_entry')
    op.drop_table('audit_entry')
