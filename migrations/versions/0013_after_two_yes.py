"""After two yes: messages, help, who looked at contact details, outcomes

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

# Who looked at what is only ever added. What is kept no longer is removed by who says so: SET LOCAL croisee.erasing = 'on'.
APPEND_ONLY = """
CREATE FUNCTION contact_view_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('croisee.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'contact_view is only added to'
        USING ERRCODE = 'check_violation', TABLE = 'contact_view', CONSTRAINT = 'ck_contact_view_is_only_added_to';
END $$;
CREATE TRIGGER is_only_added_to BEFORE UPDATE OR DELETE ON contact_view
    FOR EACH ROW EXECUTE FUNCTION contact_view_is_only_added_to();
"""


def upgrade() -> None:
    op.create_table('contact_view',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('match_id', sa.Uuid(), nullable=False),
    sa.Column('viewer_organisation_id', sa.Uuid(), nullable=True),
    sa.Column('viewer_id', sa.Uuid(), nullable=True),
    sa.Column('way', sa.Enum('mail', 'account', 'help', name='contact_way', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('viewed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(way = 'mail') = (viewer_id IS NULL)", name=op.f('ck_contact_view_a_page_is_seen_by_a_person')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_contact_view_match_id_match'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_contact_view_organisation_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['viewer_organisation_id'], ['organisation.id'], name=op.f('fk_contact_view_viewer_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_view'))
    )
    op.create_index('ix_contact_view_match_id_viewer_id', 'contact_view', ['match_id', 'viewer_id'], unique=False)
    op.create_index('ix_contact_view_organisation_id_viewed_at', 'contact_view', ['organisation_id', 'viewed_at'], unique=False)
    op.create_index(op.f('ix_contact_view_viewer_organisation_id'), 'contact_view', ['viewer_organisation_id'], unique=False)
    op.create_table('conversation_message',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('match_id', sa.Uuid(), nullable=False),
    sa.Column('side', sa.Enum('need', 'offer', name='side', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('channel', sa.Enum('link', 'account', 'animator', 'calendar', name='channel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(side IS NULL) = (channel = 'animator')", name=op.f('ck_conversation_message_an_animator_is_no_side')),
    sa.CheckConstraint('length(btrim(text)) > 0 AND length(text) <= 2000', name=op.f('ck_conversation_message_says_something_short')),
    sa.ForeignKeyConstraint(['author_id'], ['user_account.id'], name=op.f('fk_conversation_message_author_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_conversation_message_match_id_match'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversation_message'))
    )
    op.create_index(op.f('ix_conversation_message_author_id'), 'conversation_message', ['author_id'], unique=False)
    op.create_index('ix_conversation_message_match_id_sent_at', 'conversation_message', ['match_id', 'sent_at'], unique=False)
    op.create_table('help_request',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('match_id', sa.Uuid(), nullable=False),
    sa.Column('side', sa.Enum('need', 'offer', name='side', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('ended_at >= asked_at', name=op.f('ck_help_request_ends_after_it_was_asked')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_help_request_match_id_match'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_help_request'))
    )
    op.create_index(op.f('ix_help_request_match_id'), 'help_request', ['match_id'], unique=False)
    op.create_index('uq_help_request_open', 'help_request', ['match_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('outcome',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('match_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('side', sa.Enum('need', 'offer', name='side', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('wave', sa.SmallInteger(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('result', sa.Enum('nothing', 'met', 'agreed', 'signed', name='result', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('fte', sa.Enum('0-0.5', '0.5-1', '1-3', '3+', name='fte_band', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('days', sa.Enum('1-5', '6-20', '21-60', '61+', name='days_band', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('euros', sa.Enum('0-1000', '1000-5000', '5000-20000', '20000-100000', '100000+', name='euro_band', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('found_anyway', sa.Enum('yes', 'maybe', 'no', name='found_anyway', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("num_nonnulls(fte, days, euros, found_anyway) = 0 OR (result IS NOT NULL AND result IN ('agreed', 'signed'))", name=op.f('ck_outcome_only_what_was_agreed_has_a_size')),
    sa.CheckConstraint('(result IS NULL) = (answered_at IS NULL)', name=op.f('ck_outcome_an_answer_has_a_time')),
    sa.CheckConstraint('wave IN (30, 90, 180)', name=op.f('ck_outcome_asked_at_30_90_or_180_days')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_outcome_match_id_match'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_outcome_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outcome')),
    sa.UniqueConstraint('match_id', 'side', 'wave', name=op.f('uq_outcome_match_id_side_wave'))
    )
    op.create_index('ix_outcome_organisation_id_open', 'outcome', ['organisation_id'], unique=False, postgresql_where=sa.text('result IS NULL'))
    op.create_table('outcome_answer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('outcome_id', sa.Uuid(), nullable=False),
    sa.Column('result', sa.Enum('nothing', 'met', 'agreed', 'signed', name='result', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('channel', sa.Enum('link', 'account', 'animator', 'calendar', name='channel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['outcome_id'], ['outcome.id'], name=op.f('fk_outcome_answer_outcome_id_outcome'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outcome_answer'))
    )
    op.create_index(op.f('ix_outcome_answer_outcome_id'), 'outcome_answer', ['outcome_id'], unique=False)

    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.execute('DROP TRIGGER is_only_added_to ON contact_view')
    op.execute('DROP FUNCTION contact_view_is_only_added_to')
    op.drop_index(op.f('ix_outcome_answer_outcome_id'), table_name='outcome_answer')
    op.drop_table('outcome_answer')
    op.drop_index('ix_outcome_organisation_id_open', table_name='outcome', postgresql_where=sa.text('result IS NULL'))
    op.drop_table('outcome')
    op.drop_index('uq_help_request_open', table_name='help_request', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index(op.f('ix_help_request_match_id'), table_name='help_request')
    op.drop_table('help_request')
    op.drop_index('ix_conversation_message_match_id_sent_at', table_name='conversation_message')
    op.drop_index(op.f('ix_conversation_message_author_id'), table_name='conversation_message')
    op.drop_table('conversation_message')
    op.drop_index(op.f('ix_contact_view_viewer_organisation_id'), table_name='contact_view')
    op.drop_index('ix_contact_view_organisation_id_viewed_at', table_name='contact_view')
    op.drop_index('ix_contact_view_match_id_viewer_id', table_name='contact_view')
    op.drop_table('contact_view')
