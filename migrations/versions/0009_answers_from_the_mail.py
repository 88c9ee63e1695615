"""Answer proposals from the mail: links that can be replaced, « later », and the history of the answers

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

# Until now answers were given once, by an account: what stands is all that was said.
ANSWERS = """
INSERT INTO proposal_answer (id, proposal_id, status, reason, channel, created_at)
SELECT gen_random_uuid(), id, status, decline_reason, 'account', answered_at FROM proposal WHERE answered_at IS NOT NULL
"""


def upgrade() -> None:
    op.create_table('proposal_answer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('proposal_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Enum('pending', 'accepted', 'declined', 'expired', 'withdrawn', name='proposal_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Enum('found', 'too_far', 'wrong_dates', 'wrong_volume', 'too_expensive', 'wrong_fit', 'no_time', 'other', name='decline_reason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('postponed_until', sa.Date(), nullable=True),
    sa.Column('channel', sa.Enum('link', 'account', 'animator', 'calendar', name='channel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status IN ('accepted', 'declined', 'pending')", name=op.f('ck_proposal_answer_says_yes_no_or_later')),
    sa.CheckConstraint("(status = 'declined') = (reason IS NOT NULL)", name=op.f('ck_proposal_answer_a_refusal_has_a_reason')),
    sa.CheckConstraint("(status = 'pending') = (postponed_until IS NOT NULL)", name=op.f('ck_proposal_answer_later_has_a_day')),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_proposal_answer_proposal_id_proposal'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proposal_answer'))
    )
    op.create_index(op.f('ix_proposal_answer_proposal_id'), 'proposal_answer', ['proposal_id'], unique=False)
    op.add_column('proposal', sa.Column('postponed_until', sa.Date(), nullable=True))
    op.add_column('proposal', sa.Column('token_version', sa.Integer(), nullable=False, server_default='1'))
    op.alter_column('proposal', 'token_version', server_default=None)
    op.create_check_constraint(op.f('ck_proposal_token_version_counts_up'), 'proposal', 'token_version >= 1')
    op.create_check_constraint(op.f('ck_proposal_a_postponed_answer_is_waited_for'), 'proposal', 'postponed_until IS NULL OR answer_by >= postponed_until')
    op.execute(ANSWERS)


def downgrade() -> None:
    op.drop_constraint(op.f('ck_proposal_a_postponed_answer_is_waited_for'), 'proposal', type_='check')
    op.drop_constraint(op.f('ck_proposal_token_version_counts_up'), 'proposal', type_='check')
    op.drop_column('proposal', 'token_version')
    op.drop_column('proposal', 'postponed_until')
    op.drop_table('proposal_answer')
