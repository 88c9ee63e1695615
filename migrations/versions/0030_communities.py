"""Follow a territory, write its news, say what came about there

Revision: 0030
Follows: 0027c
"""

import sqlalchemy as sa
from alembic import op

revision = '0030'
down_revision = '0027c'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('community_member',
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('joined_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_community_member_organisation_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_community_member_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('territory_id', 'organisation_id', name=op.f('pk_community_member'))
    )
    op.create_index(op.f('ix_community_member_organisation_id'), 'community_member', ['organisation_id'], unique=False)
    op.create_table('news',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('length(btrim(title)) > 0 AND length(title) <= 120', name=op.f('ck_news_has_a_short_title')),
    sa.CheckConstraint('length(btrim(text)) > 0 AND length(text) <= 2000', name=op.f('ck_news_says_something_short')),
    sa.ForeignKeyConstraint(['author_id'], ['user_account.id'], name=op.f('fk_news_author_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_news_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_news'))
    )
    op.create_index(op.f('ix_news_author_id'), 'news', ['author_id'], unique=False)
    op.create_index('ix_news_territory_id_created_at', 'news', ['territory_id', 'created_at'], unique=False)
    op.create_table('story',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Enum('waiting', 'published', 'declined', 'withdrawn', name='story_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('signature', sa.Text(), nullable=False),
    sa.Column('consented_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('length(text) <= 600 AND length(signature) <= 80', name=op.f('ck_story_is_short')),
    sa.CheckConstraint("(status = 'withdrawn') = (length(btrim(text)) = 0)", name=op.f('ck_story_is_erased_when_withdrawn')),
    sa.CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name=op.f('ck_story_withdrawn_has_a_time')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_story_organisation_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_story_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_story'))
    )
    op.create_index(op.f('ix_story_organisation_id'), 'story', ['organisation_id'], unique=False)
    op.create_index('ix_story_territory_id_status', 'story', ['territory_id', 'status'], unique=False)
    op.create_index('uq_story_standing', 'story', ['territory_id', 'organisation_id'], unique=True, postgresql_where=sa.text("status IN ('waiting', 'published')"))


def downgrade() -> None:
    op.drop_table('story')
    op.drop_table('news')
    op.drop_table('community_member')
