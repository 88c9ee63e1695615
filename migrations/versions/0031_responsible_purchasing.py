"""Responsible purchasing: lists of suppliers, open searches, answers given together

Revision: 0031
Follows: 0029b
"""

import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0029b'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('shortlist',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('length(btrim(name)) > 0 AND length(name) <= 80', name=op.f('ck_shortlist_has_a_short_name')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_shortlist_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shortlist'))
    )
    op.create_index('uq_shortlist_organisation_id_name', 'shortlist', ['organisation_id', sa.literal_column('lower(name)')], unique=True)
    op.create_table('shortlist_entry',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('shortlist_id', sa.Uuid(), nullable=False),
    sa.Column('supplier_id', sa.Uuid(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('added_by_id', sa.Uuid(), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('length(note) <= 500', name=op.f('ck_shortlist_entry_note_is_short')),
    sa.ForeignKeyConstraint(['added_by_id'], ['user_account.id'], name=op.f('fk_shortlist_entry_added_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['shortlist_id'], ['shortlist.id'], name=op.f('fk_shortlist_entry_shortlist_id_shortlist'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['supplier_id'], ['organisation.id'], name=op.f('fk_shortlist_entry_supplier_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shortlist_entry')),
    sa.UniqueConstraint('shortlist_id', 'supplier_id', name=op.f('uq_shortlist_entry_shortlist_id_supplier_id'))
    )
    op.create_index(op.f('ix_shortlist_entry_added_by_id'), 'shortlist_entry', ['added_by_id'], unique=False)
    op.create_index(op.f('ix_shortlist_entry_supplier_id'), 'shortlist_entry', ['supplier_id'], unique=False)
    op.create_table('supplier_search',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('need_id', sa.Uuid(), nullable=False),
    sa.Column('frame', sa.Enum('open', 'clause', 'reserved_disability', 'reserved_insertion', 'reserved_both', 'reserved_ess', name='frame', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('moved_from', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(moved_at IS NULL) = (moved_from IS NULL)', name=op.f('ck_supplier_search_a_move_has_a_past')),
    sa.CheckConstraint('moved_from < closes_at', name=op.f('ck_supplier_search_only_ever_later')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_supplier_search_need_id_need'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supplier_search'))
    )
    op.create_index('ix_supplier_search_closes_at', 'supplier_search', ['closes_at'], unique=False)
    op.create_index('uq_supplier_search_need_id', 'supplier_search', ['need_id'], unique=True)
    op.create_table('group_answer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('search_id', sa.Uuid(), nullable=False),
    sa.Column('lead_id', sa.Uuid(), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('liability', sa.Enum('conjoint', 'solidaire', name='liability', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('state', sa.Enum('composed', 'handed_in', 'withdrawn', name='answer_state', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('terms', sa.Integer(), nullable=False),
    sa.Column('handed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state <> 'handed_in' OR (handed_in_at IS NOT NULL AND length(btrim(summary)) > 0 AND length(btrim(contact)) > 0)", name=op.f('ck_group_answer_handed_in_is_whole')),
    sa.CheckConstraint('length(summary) <= 3000 AND length(contact) <= 300', name=op.f('ck_group_answer_words_are_short')),
    sa.ForeignKeyConstraint(['lead_id'], ['organisation.id'], name=op.f('fk_group_answer_lead_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['search_id'], ['supplier_search.id'], name=op.f('fk_group_answer_search_id_supplier_search'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_group_answer'))
    )
    op.create_index(op.f('ix_group_answer_lead_id'), 'group_answer', ['lead_id'], unique=False)
    op.create_index(op.f('ix_group_answer_search_id'), 'group_answer', ['search_id'], unique=False)
    op.create_index('uq_group_answer_lead', 'group_answer', ['search_id', 'lead_id'], unique=True, postgresql_where=sa.text("state <> 'withdrawn'"))
    op.create_table('search_question',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('search_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('question', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(answer = '') = (answered_at IS NULL)", name=op.f('ck_search_question_an_answer_has_a_time')),
    sa.CheckConstraint('length(answer) <= 1000', name=op.f('ck_search_question_answer_is_short')),
    sa.CheckConstraint('length(btrim(question)) > 0 AND length(question) <= 1000', name=op.f('ck_search_question_asks_something_short')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_search_question_organisation_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['search_id'], ['supplier_search.id'], name=op.f('fk_search_question_search_id_supplier_search'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_question'))
    )
    op.create_index(op.f('ix_search_question_organisation_id'), 'search_question', ['organisation_id'], unique=False)
    op.create_index('ix_search_question_search_id_asked_at', 'search_question', ['search_id', 'asked_at'], unique=False)
    op.create_table('group_member',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('group_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('part', sa.Text(), nullable=False),
    sa.Column('share', sa.SmallInteger(), nullable=False),
    sa.Column('state', sa.Enum('invited', 'accepted', 'declined', 'removed', name='member_state', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('comment', sa.Text(), nullable=False),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'invited') = (answered_at IS NULL)", name=op.f('ck_group_member_an_answer_has_a_time')),
    sa.CheckConstraint('length(part) <= 300 AND length(comment) <= 300', name=op.f('ck_group_member_words_are_short')),
    sa.CheckConstraint('share BETWEEN 0 AND 100', name=op.f('ck_group_member_share_is_a_percentage')),
    sa.ForeignKeyConstraint(['group_id'], ['group_answer.id'], name=op.f('fk_group_member_group_id_group_answer'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_group_member_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_group_member')),
    sa.UniqueConstraint('group_id', 'organisation_id', name=op.f('uq_group_member_group_id_organisation_id'))
    )
    op.create_index(op.f('ix_group_member_organisation_id'), 'group_member', ['organisation_id'], unique=False)


def downgrade() -> None:
    for table in ('group_member', 'search_question', 'group_answer', 'supplier_search', 'shortlist_entry', 'shortlist'):
        op.drop_table(table)
