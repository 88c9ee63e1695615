"""Three ways into a structure: a sign-up that its mail confirms, an invitation, a request; what the public directory of companies said

Revision: 0027b
Follows: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0027b'
down_revision = '0027'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Names that are nearly the same.
    op.execute('CREATE EXTENSION IF NOT EXISTS pg_trgm')
    op.add_column('organisation', sa.Column('esus_until', sa.Date(), nullable=True))
    op.create_table('company_record',
    sa.Column('siret', sa.String(length=14), nullable=False),
    sa.Column('told', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('fetched_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("siret ~ '^[0-9]{14}$'", name=op.f('ck_company_record_siret_has_14_digits')),
    sa.PrimaryKeyConstraint('siret', name=op.f('pk_company_record'))
    )
    op.create_table('sign_up',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('structure', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('expires_at > created_at', name=op.f('ck_sign_up_lasts_a_while')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_up')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sign_up_token_hash'))
    )
    op.create_index(op.f('ix_sign_up_email'), 'sign_up', ['email'], unique=False)
    op.create_table('join_request',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('is_accepted', sa.Boolean(), nullable=True),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_join_request_email_is_lower_case')),
    sa.CheckConstraint('(decided_at IS NULL) = (is_accepted IS NULL)', name=op.f('ck_join_request_decided_one_way')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_join_request_decided_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_join_request_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_join_request'))
    )
    op.create_index(op.f('ix_join_request_decided_by_id'), 'join_request', ['decided_by_id'], unique=False)
    op.create_index('uq_join_request_open', 'join_request', ['organisation_id', 'email'], unique=True, postgresql_where=sa.text('decided_at IS NULL'))
    op.create_table('member_invitation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('standing', sa.Enum('reader', 'editor', 'administrator', name='standing', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('invited_by_id', sa.Uuid(), nullable=True),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_member_invitation_email_is_lower_case')),
    sa.CheckConstraint('expires_at > created_at', name=op.f('ck_member_invitation_lasts_a_while')),
    sa.ForeignKeyConstraint(['invited_by_id'], ['user_account.id'], name=op.f('fk_member_invitation_invited_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_member_invitation_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member_invitation')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_member_invitation_token_hash'))
    )
    op.create_index(op.f('ix_member_invitation_invited_by_id'), 'member_invitation', ['invited_by_id'], unique=False)
    op.create_index('uq_member_invitation_open', 'member_invitation', ['organisation_id', 'email'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))


def downgrade() -> None:
    op.drop_table('member_invitation')
    op.drop_table('join_request')
    op.drop_table('sign_up')
    op.drop_table('company_record')
    op.drop_column('organisation', 'esus_until')
    op.execute('DROP EXTENSION IF EXISTS pg_trgm')
