"""What each person may do in their structure; a structure keeps its last administrator

Revision: 0027
Follows: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0025'
branch_labels = None
depends_on = None

# At the end of the transaction, one structure after the other: of two administrators who leave at the same moment, one stays.
# Who erases a person, or closes an account whatever becomes of its structure, says so: SET LOCAL croisee.abandoning = 'on'.
KEEP = """
CREATE FUNCTION keep_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.organisation_id = OLD.organisation_id AND NEW.is_active
       AND NEW.standing = 'administrator' AND NEW.role IN ('member', 'host') THEN
        RETURN NULL;
    END IF;
    IF current_setting('croisee.abandoning', true) = 'on' OR current_setting('croisee.erasing', true) = 'on' THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM organisation WHERE id = OLD.organisation_id FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT 1 FROM user_account
        WHERE organisation_id = OLD.organisation_id AND is_active AND standing = 'administrator' AND role IN ('member', 'host')
    ) THEN
        RAISE EXCEPTION 'structure % would lose its last administrator', OLD.organisation_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'structure_keeps_an_administrator';
    END IF;
    RETURN NULL;
END $$
"""
WATCH = """
CREATE CONSTRAINT TRIGGER keep_an_administrator
AFTER DELETE OR UPDATE OF role, organisation_id, standing, is_active ON user_account
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.organisation_id IS NOT NULL AND OLD.is_active AND OLD.standing = 'administrator' AND OLD.role IN ('member', 'host'))
EXECUTE FUNCTION keep_an_administrator()
"""


def upgrade() -> None:
    # Until now each could do everything for their structure: nobody loses a right.
    op.add_column('user_account', sa.Column('standing', sa.Enum('reader', 'editor', 'administrator', name='standing', native_enum=False, create_constraint=True, length=40), nullable=False, server_default='administrator'))
    op.alter_column('user_account', 'standing', server_default=None)
    op.add_column('user_account', sa.Column('left_at', sa.DateTime(timezone=True), nullable=True))
    op.execute(KEEP)
    op.execute(WATCH)


def downgrade() -> None:
    op.execute('DROP TRIGGER keep_an_administrator ON user_account')
    op.execute('DROP FUNCTION keep_an_administrator()')
    op.drop_column('user_account', 'left_at')
    op.drop_column('user_account', 'standing')
