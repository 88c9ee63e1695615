"""Identities of a provider (OpenID Connect), and what a session that came from one keeps

Revision: 0028b
Follows: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = '0028b'
down_revision = '0028'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('openid_identity',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('tied_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_openid_identity_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_openid_identity')),
    sa.UniqueConstraint('issuer', 'subject', name=op.f('uq_openid_identity_issuer_subject'))
    )
    op.add_column('user_session', sa.Column('has_two_factors', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('user_session', sa.Column('id_token', sa.Text(), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('user_session', 'id_token')
    op.drop_column('user_session', 'has_two_factors')
    op.drop_table('openid_identity')
