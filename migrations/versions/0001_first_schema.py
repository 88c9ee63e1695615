"""first schema

Revision: 0001
Follows: nothing
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # French text is compared without its accents.
    op.execute('CREATE EXTENSION IF NOT EXISTS unaccent')
    op.create_table('commune',
    sa.Column('code', sa.String(length=5), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('folded_name', sa.Text(), nullable=False),
    sa.Column('postal_codes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('population', sa.Integer(), nullable=False),
    sa.Column('departement_code', sa.String(length=3), nullable=False),
    sa.Column('region_code', sa.String(length=2), nullable=False),
    sa.Column('epci_code', sa.String(length=9), nullable=True),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_commune'))
    )
    op.create_index('ix_commune_departement_code', 'commune', ['departement_code'], unique=False)
    op.create_index('ix_commune_epci_code', 'commune', ['epci_code'], unique=False)
    op.create_index('ix_commune_folded_name', 'commune', ['folded_name'], unique=False, postgresql_ops={'folded_name': 'text_pattern_ops'})
    op.create_index('ix_commune_postal_codes', 'commune', ['postal_codes'], unique=False, postgresql_using='gin')
    op.create_table('outbox_mail',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('recipient', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('message_id', sa.Text(), nullable=False),
    sa.Column('message', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Enum('queued', 'sending', 'sent', 'failed', 'superseded', 'cancelled', name='mail_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=False),
    sa.Column('useless_after', sa.DateTime(timezone=True), nullable=True),
    sa.Column('claimed_by', sa.Integer(), nullable=True),
    sa.Column('is_maybe_twice', sa.Boolean(), nullable=False),
    sa.Column('last_code', sa.Integer(), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'sending') = (claimed_by IS NOT NULL)", name=op.f('ck_outbox_mail_sending_has_a_worker')),
    sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name=op.f('ck_outbox_mail_sent_has_a_time')),
    sa.CheckConstraint('attempts >= 0', name=op.f('ck_outbox_mail_attempts_count_up')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox_mail'))
    )
    op.create_index('ix_outbox_mail_claimed_by', 'outbox_mail', ['claimed_by'], unique=False, postgresql_where=sa.text("status = 'sending'"))
    op.create_index('ix_outbox_mail_due', 'outbox_mail', ['not_before', 'id'], unique=False, postgresql_where=sa.text("status = 'queued'"))
    op.create_index('uq_outbox_mail_idempotency_key', 'outbox_mail', ['idempotency_key'], unique=True)
    op.create_table('territory',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('level', sa.Enum('region', 'departement', 'epci', name='level', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('code', sa.String(length=9), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('themes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('contact_name', sa.Text(), nullable=False),
    sa.Column('contact_email', sa.Text(), nullable=False),
    sa.Column('contact_phone', sa.Text(), nullable=False),
    sa.CheckConstraint("(level = 'region') = (parent_id IS NULL)", name=op.f('ck_territory_only_regions_have_no_parent')),
    sa.ForeignKeyConstraint(['parent_id'], ['territory.id'], name=op.f('fk_territory_parent_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_territory')),
    sa.UniqueConstraint('level', 'code', name=op.f('uq_territory_level_code'))
    )
    op.create_index(op.f('ix_territory_parent_id'), 'territory', ['parent_id'], unique=False)
    op.create_table('organisation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('siret', sa.String(length=14), nullable=True),
    sa.Column('rna', sa.String(length=10), nullable=True),
    sa.Column('family', sa.Enum('association', 'cooperative', 'mutuelle', 'fondation', 'societe_commerciale_ess', 'entreprise', 'public', 'collectif', name='family', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('inclusion_kind', sa.Enum('EI', 'ACI', 'AI', 'ETTI', 'EITI', 'EA', 'ESAT', 'GEIQ', 'GE', name='inclusion_kind', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('ess_label', sa.Enum('declared', 'listed', 'verified', name='ess_label', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('is_third_place', sa.Boolean(), nullable=False),
    sa.Column('naf', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('headcount', sa.Enum('0', '1-9', '10-49', '50-249', '250+', name='headcount', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('is_vat_registered', sa.Boolean(), nullable=True),
    sa.Column('idcc', sa.String(length=4), nullable=True),
    sa.Column('eligibility', sa.Enum('unknown', 'declared', 'rescrit', 'no', name='eligibility', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('commune_code', sa.String(length=5), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('territory_id', sa.Integer(), nullable=True),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=False),
    sa.Column('website', sa.Text(), nullable=False),
    sa.Column('monthly_budget', sa.Integer(), nullable=False),
    sa.Column('paused_until', sa.Date(), nullable=True),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("rna ~ '^W[0-9A-Z]{9}$'", name=op.f('ck_organisation_rna_is_well_formed')),
    sa.CheckConstraint("siret ~ '^[0-9]{14}$'", name=op.f('ck_organisation_siret_has_14_digits')),
    sa.CheckConstraint('(latitude IS NULL) = (longitude IS NULL)', name=op.f('ck_organisation_point_is_whole')),
    sa.CheckConstraint('latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180', name=op.f('ck_organisation_point_is_on_earth')),
    sa.CheckConstraint('length(btrim(name)) > 0', name=op.f('ck_organisation_has_a_name')),
    sa.CheckConstraint('monthly_budget BETWEEN 0 AND 60', name=op.f('ck_organisation_monthly_budget_is_sane')),
    sa.ForeignKeyConstraint(['commune_code'], ['commune.code'], name=op.f('fk_organisation_commune_code_commune')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_organisation_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation'))
    )
    op.create_index(op.f('ix_organisation_commune_code'), 'organisation', ['commune_code'], unique=False)
    op.create_index(op.f('ix_organisation_territory_id'), 'organisation', ['territory_id'], unique=False)
    op.create_index('uq_organisation_rna', 'organisation', ['rna'], unique=True, postgresql_where=sa.text('rna IS NOT NULL'))
    op.create_index('uq_organisation_siret', 'organisation', ['siret'], unique=True, postgresql_where=sa.text('siret IS NOT NULL'))
    op.create_table('pool',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('occupation', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum('composed', 'proposed', 'agreed', 'signed', 'dissolved', name='pool_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_pool_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pool'))
    )
    op.create_index(op.f('ix_pool_territory_id'), 'pool', ['territory_id'], unique=False)
    op.create_table('snapshot',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('indicator', sa.Text(), nullable=False),
    sa.Column('value', sa.Numeric(precision=16, scale=4), nullable=False),
    sa.Column('denominator', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_snapshot_territory_id_territory')),
    sa.PrimaryKeyConstraint('day', 'territory_id', 'indicator', name=op.f('pk_snapshot'))
    )
    op.create_table('need',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('category', sa.Enum('job', 'pooled_job', 'purchase', 'premises', 'skills_sponsorship', 'peer_training', 'succession', 'material', name='category', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('status', sa.Enum('draft', 'published', 'paused', 'closed', 'expired', name='status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('radius_km', sa.Integer(), nullable=False),
    sa.Column('remote_share', sa.SmallInteger(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=True),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('halfdays', sa.SmallInteger(), nullable=False),
    sa.Column('volume', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('volume_unit', sa.Enum('fte', 'days', 'm2', 'people', 'items', name='unit', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('budget_min', sa.Integer(), nullable=True),
    sa.Column('budget_max', sa.Integer(), nullable=True),
    sa.Column('skills', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('themes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('capacity', sa.SmallInteger(), nullable=False),
    sa.Column('flags', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('denied_flags', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('is_confidential', sa.Boolean(), nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('commune_code', sa.String(length=5), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("NOT is_confidential OR category = 'succession'", name=op.f('ck_need_only_successions_are_confidential')),
    sa.CheckConstraint("status <> 'published' OR (published_at IS NOT NULL AND expires_on IS NOT NULL)", name=op.f('ck_need_published_has_dates')),
    sa.CheckConstraint('(volume IS NULL) = (volume_unit IS NULL)', name=op.f('ck_need_volume_has_a_unit')),
    sa.CheckConstraint('budget_min >= 0 AND budget_min <= budget_max', name=op.f('ck_need_budget_is_a_band')),
    sa.CheckConstraint('capacity BETWEEN 1 AND 500', name=op.f('ck_need_capacity_is_sane')),
    sa.CheckConstraint('halfdays BETWEEN 0 AND 1023', name=op.f('ck_need_halfdays_are_ten_bits')),
    sa.CheckConstraint('length(btrim(title)) > 0', name=op.f('ck_need_has_a_title')),
    sa.CheckConstraint('radius_km BETWEEN 0 AND 1000', name=op.f('ck_need_radius_is_sane')),
    sa.CheckConstraint('remote_share BETWEEN 0 AND 100', name=op.f('ck_need_remote_share_is_a_percentage')),
    sa.CheckConstraint('starts_on <= ends_on', name=op.f('ck_need_starts_before_it_ends')),
    sa.CheckConstraint('volume > 0', name=op.f('ck_need_volume_is_positive')),
    sa.ForeignKeyConstraint(['commune_code'], ['commune.code'], name=op.f('fk_need_commune_code_commune')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_need_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_need_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_need'))
    )
    op.create_index(op.f('ix_need_commune_code'), 'need', ['commune_code'], unique=False)
    op.create_index(op.f('ix_need_organisation_id'), 'need', ['organisation_id'], unique=False)
    op.create_index('ix_need_status_category', 'need', ['status', 'category'], unique=False)
    op.create_index(op.f('ix_need_territory_id'), 'need', ['territory_id'], unique=False)
    op.create_table('offer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('category', sa.Enum('job', 'pooled_job', 'purchase', 'premises', 'skills_sponsorship', 'peer_training', 'succession', 'material', name='category', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('status', sa.Enum('draft', 'published', 'paused', 'closed', 'expired', name='status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('radius_km', sa.Integer(), nullable=False),
    sa.Column('remote_share', sa.SmallInteger(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=True),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('halfdays', sa.SmallInteger(), nullable=False),
    sa.Column('volume', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('volume_unit', sa.Enum('fte', 'days', 'm2', 'people', 'items', name='unit', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('budget_min', sa.Integer(), nullable=True),
    sa.Column('budget_max', sa.Integer(), nullable=True),
    sa.Column('skills', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('themes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('capacity', sa.SmallInteger(), nullable=False),
    sa.Column('flags', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('denied_flags', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('is_confidential', sa.Boolean(), nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('commune_code', sa.String(length=5), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("NOT is_confidential OR category = 'succession'", name=op.f('ck_offer_only_successions_are_confidential')),
    sa.CheckConstraint("status <> 'published' OR (published_at IS NOT NULL AND expires_on IS NOT NULL)", name=op.f('ck_offer_published_has_dates')),
    sa.CheckConstraint('(volume IS NULL) = (volume_unit IS NULL)', name=op.f('ck_offer_volume_has_a_unit')),
    sa.CheckConstraint('budget_min >= 0 AND budget_min <= budget_max', name=op.f('ck_offer_budget_is_a_band')),
    sa.CheckConstraint('capacity BETWEEN 1 AND 500', name=op.f('ck_offer_capacity_is_sane')),
    sa.CheckConstraint('halfdays BETWEEN 0 AND 1023', name=op.f('ck_offer_halfdays_are_ten_bits')),
    sa.CheckConstraint('length(btrim(title)) > 0', name=op.f('ck_offer_has_a_title')),
    sa.CheckConstraint('radius_km BETWEEN 0 AND 1000', name=op.f('ck_offer_radius_is_sane')),
    sa.CheckConstraint('remote_share BETWEEN 0 AND 100', name=op.f('ck_offer_remote_share_is_a_percentage')),
    sa.CheckConstraint('starts_on <= ends_on', name=op.f('ck_offer_starts_before_it_ends')),
    sa.CheckConstraint('volume > 0', name=op.f('ck_offer_volume_is_positive')),
    sa.ForeignKeyConstraint(['commune_code'], ['commune.code'], name=op.f('fk_offer_commune_code_commune')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_offer_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_offer_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer'))
    )
    op.create_index(op.f('ix_offer_commune_code'), 'offer', ['commune_code'], unique=False)
    op.create_index(op.f('ix_offer_organisation_id'), 'offer', ['organisation_id'], unique=False)
    op.create_index('ix_offer_status_category', 'offer', ['status', 'category'], unique=False)
    op.create_index(op.f('ix_offer_territory_id'), 'offer', ['territory_id'], unique=False)
    op.create_table('user_account',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('role', sa.Enum('member', 'host', 'animator', 'admin', name='role', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('last_login_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("email = lower(email) AND position('@' in email) > 1", name=op.f('ck_user_account_email_is_lower_case')),
    sa.CheckConstraint("role NOT IN ('member', 'host') OR organisation_id IS NOT NULL", name=op.f('ck_user_account_members_and_hosts_have_an_organisation')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_user_account_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_account'))
    )
    op.create_index(op.f('ix_user_account_organisation_id'), 'user_account', ['organisation_id'], unique=False)
    op.create_index('uq_user_account_email', 'user_account', ['email'], unique=True)
    op.create_table('venue',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('commune_code', sa.String(length=5), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('authorised_headcount', sa.Integer(), nullable=False),
    sa.Column('staff_count', sa.Integer(), nullable=False),
    sa.Column('is_accessible', sa.Boolean(), nullable=False),
    sa.Column('access_text', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('authorised_headcount BETWEEN 1 AND 5000', name=op.f('ck_venue_headcount_is_sane')),
    sa.CheckConstraint('length(btrim(name)) > 0', name=op.f('ck_venue_has_a_name')),
    sa.CheckConstraint('staff_count BETWEEN 0 AND authorised_headcount', name=op.f('ck_venue_staff_fits')),
    sa.ForeignKeyConstraint(['commune_code'], ['commune.code'], name=op.f('fk_venue_commune_code_commune')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_venue_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_venue_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_venue'))
    )
    op.create_index(op.f('ix_venue_commune_code'), 'venue', ['commune_code'], unique=False)
    op.create_index(op.f('ix_venue_organisation_id'), 'venue', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_venue_territory_id'), 'venue', ['territory_id'], unique=False)
    op.create_table('job_dating',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('theme', sa.Text(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('welcome_minutes', sa.Integer(), nullable=False),
    sa.Column('round_minutes', sa.Integer(), nullable=False),
    sa.Column('changeover_minutes', sa.Integer(), nullable=False),
    sa.Column('break_after_round', sa.Integer(), nullable=False),
    sa.Column('break_minutes', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('draft', 'published', 'cancelled', name='job_dating_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rounds_bound', sa.Integer(), nullable=True),
    sa.Column('rounds_bound_reason', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("ends_at <= starts_at + interval '12 hours'", name=op.f('ck_job_dating_lasts_half_a_day_at_most')),
    sa.CheckConstraint("status <> 'published' OR published_at IS NOT NULL", name=op.f('ck_job_dating_published_has_a_time')),
    sa.CheckConstraint('break_after_round BETWEEN 1 AND 50', name=op.f('ck_job_dating_break_round_is_sane')),
    sa.CheckConstraint('break_minutes BETWEEN 0 AND 120', name=op.f('ck_job_dating_break_minutes_are_sane')),
    sa.CheckConstraint('changeover_minutes BETWEEN 0 AND 30', name=op.f('ck_job_dating_changeover_minutes_are_sane')),
    sa.CheckConstraint('round_minutes BETWEEN 3 AND 60', name=op.f('ck_job_dating_round_minutes_are_sane')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_job_dating_starts_before_it_ends')),
    sa.CheckConstraint('welcome_minutes BETWEEN 0 AND 120', name=op.f('ck_job_dating_welcome_minutes_are_sane')),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_job_dating_venue_id_venue')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_dating'))
    )
    op.create_index('ix_job_dating_starts_at', 'job_dating', ['starts_at'], unique=False)
    op.create_index(op.f('ix_job_dating_venue_id'), 'job_dating', ['venue_id'], unique=False)
    op.create_table('matching_run',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('requested_by_id', sa.Uuid(), nullable=True),
    sa.Column('status', sa.Enum('queued', 'running', 'ready', 'published', 'superseded', 'failed', name='run_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('objective', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('needs_count', sa.Integer(), nullable=False),
    sa.Column('offers_count', sa.Integer(), nullable=False),
    sa.Column('candidates_count', sa.Integer(), nullable=False),
    sa.Column('served_count', sa.Integer(), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=True),
    sa.Column('bound', sa.BigInteger(), nullable=True),
    sa.Column('gap', sa.BigInteger(), nullable=True),
    sa.Column('unserved', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint("(status IN ('ready', 'published', 'superseded')) = (value IS NOT NULL)", name=op.f('ck_matching_run_a_result_has_a_value')),
    sa.CheckConstraint("status <> 'failed' OR failure <> ''", name=op.f('ck_matching_run_a_failure_has_a_reason')),
    sa.ForeignKeyConstraint(['requested_by_id'], ['user_account.id'], name=op.f('fk_matching_run_requested_by_id_user_account')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_matching_run_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matching_run'))
    )
    op.create_index(op.f('ix_matching_run_requested_by_id'), 'matching_run', ['requested_by_id'], unique=False)
    op.create_index('ix_matching_run_territory_id_created_at', 'matching_run', ['territory_id', 'created_at'], unique=False)
    op.create_index('uq_matching_run_published', 'matching_run', ['territory_id'], unique=True, postgresql_where=sa.text("status = 'published'"))
    op.create_index('uq_matching_run_under_way', 'matching_run', ['territory_id'], unique=True, postgresql_where=sa.text("status IN ('queued', 'running')"))
    op.create_table('need_area',
    sa.Column('need_id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_need_area_need_id_need'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_need_area_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('need_id', 'territory_id', name=op.f('pk_need_area'))
    )
    op.create_table('offer_area',
    sa.Column('offer_id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_offer_area_offer_id_offer'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_offer_area_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('offer_id', 'territory_id', name=op.f('pk_offer_area'))
    )
    op.create_table('pool_share',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('pool_id', sa.Uuid(), nullable=False),
    sa.Column('need_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Enum('pending', 'interested', 'declined', name='share_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('fte', sa.Numeric(precision=4, scale=3), nullable=False),
    sa.Column('halfdays', sa.SmallInteger(), nullable=False),
    sa.CheckConstraint('fte > 0 AND fte <= 1', name=op.f('ck_pool_share_fte_is_a_fraction')),
    sa.CheckConstraint('halfdays BETWEEN 1 AND 1023', name=op.f('ck_pool_share_halfdays_are_ten_bits')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_pool_share_need_id_need')),
    sa.ForeignKeyConstraint(['pool_id'], ['pool.id'], name=op.f('fk_pool_share_pool_id_pool'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pool_share')),
    sa.UniqueConstraint('pool_id', 'need_id', name=op.f('uq_pool_share_pool_id_need_id'))
    )
    op.create_index(op.f('ix_pool_share_need_id'), 'pool_share', ['need_id'], unique=False)
    op.create_table('room',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_room_venue_id_venue'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_room')),
    sa.UniqueConstraint('venue_id', 'name', name=op.f('uq_room_venue_id_name'))
    )
    op.create_table('user_territory',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_user_territory_territory_id_territory'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_user_territory_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'territory_id', name=op.f('pk_user_territory'))
    )
    op.create_table('invitation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('token_version', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Enum('accepted', 'declined', 'tentative', name='answer', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answer_by', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(answer IS NULL) = (answered_at IS NULL)', name=op.f('ck_invitation_an_answer_has_a_time')),
    sa.CheckConstraint('sequence >= 0', name=op.f('ck_invitation_sequence_counts_up')),
    sa.CheckConstraint('token_version >= 1', name=op.f('ck_invitation_token_version_counts_up')),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_invitation_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_invitation_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitation')),
    sa.UniqueConstraint('job_dating_id', 'organisation_id', name=op.f('uq_invitation_job_dating_id_organisation_id'))
    )
    op.create_index(op.f('ix_invitation_organisation_id'), 'invitation', ['organisation_id'], unique=False)
    op.create_table('match',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('need_id', sa.Uuid(), nullable=False),
    sa.Column('offer_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Enum('preview', 'proposed', 'confirmed', 'ended', name='match_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('score', sa.Integer(), nullable=False),
    sa.Column('distance_km', sa.Double(), nullable=True),
    sa.Column('breakdown', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('score BETWEEN 1 AND 1000000', name=op.f('ck_match_score_is_in_millionths')),
    sa.ForeignKeyConstraint(['need_id'], ['need.id'], name=op.f('fk_match_need_id_need')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_match_offer_id_offer')),
    sa.ForeignKeyConstraint(['run_id'], ['matching_run.id'], name=op.f('fk_match_run_id_matching_run'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_match')),
    sa.UniqueConstraint('run_id', 'need_id', 'offer_id', name=op.f('uq_match_run_id_need_id_offer_id'))
    )
    op.create_index(op.f('ix_match_need_id'), 'match', ['need_id'], unique=False)
    op.create_index(op.f('ix_match_offer_id'), 'match', ['offer_id'], unique=False)
    op.create_index('uq_match_live_pair', 'match', ['need_id', 'offer_id'], unique=True, postgresql_where=sa.text("status IN ('proposed', 'confirmed')"))
    op.create_table('participant',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('delegates', sa.Integer(), nullable=False),
    sa.Column('needs_accessible', sa.Boolean(), nullable=False),
    sa.CheckConstraint('delegates BETWEEN 1 AND 9', name=op.f('ck_participant_delegates_are_sane')),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_participant_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_participant_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_participant')),
    sa.UniqueConstraint('job_dating_id', 'organisation_id', name=op.f('uq_participant_job_dating_id_organisation_id'))
    )
    op.create_index(op.f('ix_participant_organisation_id'), 'participant', ['organisation_id'], unique=False)
    op.create_table('venue_table',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('venue_id', sa.Uuid(), nullable=False),
    sa.Column('room_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('is_accessible', sa.Boolean(), nullable=False),
    sa.CheckConstraint('number > 0', name=op.f('ck_venue_table_number_is_positive')),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_venue_table_room_id_room'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_venue_table_venue_id_venue'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_venue_table')),
    sa.UniqueConstraint('venue_id', 'number', name=op.f('uq_venue_table_venue_id_number'))
    )
    op.create_index(op.f('ix_venue_table_room_id'), 'venue_table', ['room_id'], unique=False)
    op.create_table('invitation_answer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('invitation_id', sa.Uuid(), nullable=False),
    sa.Column('answer', sa.Enum('accepted', 'declined', 'tentative', name='answer', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('channel', sa.Enum('link', 'account', 'animator', name='channel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['invitation_id'], ['invitation.id'], name=op.f('fk_invitation_answer_invitation_id_invitation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitation_answer'))
    )
    op.create_index(op.f('ix_invitation_answer_invitation_id'), 'invitation_answer', ['invitation_id'], unique=False)
    op.create_table('meeting',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_dating_id', sa.Uuid(), nullable=False),
    sa.Column('match_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=True),
    sa.Column('table_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('(round IS NULL) = (table_id IS NULL)', name=op.f('ck_meeting_planned_means_round_and_table')),
    sa.CheckConstraint('round >= 0', name=op.f('ck_meeting_round_counts_from_zero')),
    sa.ForeignKeyConstraint(['job_dating_id'], ['job_dating.id'], name=op.f('fk_meeting_job_dating_id_job_dating'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_meeting_match_id_match')),
    sa.ForeignKeyConstraint(['table_id'], ['venue_table.id'], name=op.f('fk_meeting_table_id_venue_table')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meeting')),
    sa.UniqueConstraint('job_dating_id', 'match_id', name=op.f('uq_meeting_job_dating_id_match_id'))
    )
    op.create_index(op.f('ix_meeting_match_id'), 'meeting', ['match_id'], unique=False)
    op.create_index(op.f('ix_meeting_table_id'), 'meeting', ['table_id'], unique=False)
    op.create_index('uq_meeting_seat', 'meeting', ['job_dating_id', 'round', 'table_id'], unique=True, postgresql_where=sa.text('round IS NOT NULL'))
    op.create_table('proposal',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('match_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('side', sa.Enum('need', 'offer', name='side', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('status', sa.Enum('pending', 'accepted', 'declined', 'expired', 'withdrawn', name='proposal_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer_by', sa.Date(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decline_reason', sa.Enum('found', 'too_far', 'wrong_dates', 'wrong_volume', 'too_expensive', 'wrong_fit', 'no_time', 'other', name='decline_reason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('decline_comment', sa.Text(), nullable=False),
    sa.CheckConstraint("(status = 'declined') = (decline_reason IS NOT NULL)", name=op.f('ck_proposal_a_refusal_has_a_reason')),
    sa.CheckConstraint("(status IN ('accepted', 'declined')) = (answered_at IS NOT NULL)", name=op.f('ck_proposal_an_answer_has_a_time')),
    sa.ForeignKeyConstraint(['match_id'], ['match.id'], name=op.f('fk_proposal_match_id_match'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_proposal_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proposal')),
    sa.UniqueConstraint('match_id', 'side', name=op.f('uq_proposal_match_id_side'))
    )
    op.create_index('ix_proposal_organisation_id_status', 'proposal', ['organisation_id', 'status'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_proposal_organisation_id_status', table_name='proposal')
    op.drop_table('proposal')
    op.drop_index('uq_meeting_seat', table_name='meeting', postgresql_where=sa.text('round IS NOT NULL'))
    op.drop_index(op.f('ix_meeting_table_id'), table_name='meeting')
    op.drop_index(op.f('ix_meeting_match_id'), table_name='meeting')
    op.drop_table('meeting')
    op.drop_index(op.f('ix_invitation_answer_invitation_id'), table_name='invitation_answer')
    op.drop_table('invitation_answer')
    op.drop_index(op.f('ix_venue_table_room_id'), table_name='venue_table')
    op.drop_table('venue_table')
    op.drop_index(op.f('ix_participant_organisation_id'), table_name='participant')
    op.drop_table('participant')
    op.drop_index('uq_match_live_pair', table_name='match', postgresql_where=sa.text("status IN ('proposed', 'confirmed')"))
    op.drop_index(op.f('ix_match_offer_id'), table_name='match')
    op.drop_index(op.f('ix_match_need_id'), table_name='match')
    op.drop_table('match')
    op.drop_index(op.f('ix_invitation_organisation_id'), table_name='invitation')
    op.drop_table('invitation')
    op.drop_table('user_territory')
    op.drop_table('room')
    op.drop_index(op.f('ix_pool_share_need_id'), table_name='pool_share')
    op.drop_table('pool_share')
    op.drop_table('offer_area')
    op.drop_table('need_area')
    op.drop_index('uq_matching_run_under_way', table_name='matching_run', postgresql_where=sa.text("status IN ('queued', 'running')"))
    op.drop_index('uq_matching_run_published', table_name='matching_run', postgresql_where=sa.text("status = 'published'"))
    op.drop_index('ix_matching_run_territory_id_created_at', table_name='matching_run')
    op.drop_index(op.f('ix_matching_run_requested_by_id'), table_name='matching_run')
    op.drop_table('matching_run')
    op.drop_index(op.f('ix_job_dating_venue_id'), table_name='job_dating')
    op.drop_index('ix_job_dating_starts_at', table_name='job_dating')
    op.drop_table('job_dating')
    op.drop_index(op.f('ix_venue_territory_id'), table_name='venue')
    op.drop_index(op.f('ix_venue_organisation_id'), table_name='venue')
    op.drop_index(op.f('ix_venue_commune_code'), table_name='venue')
    op.drop_table('venue')
    op.drop_index('uq_user_account_email', table_name='user_account')
    op.drop_index(op.f('ix_user_account_organisation_id'), table_name='user_account')
    op.drop_table('user_account')
    op.drop_index(op.f('ix_offer_territory_id'), table_name='offer')
    op.drop_index('ix_offer_status_category', table_name='offer')
    op.drop_index(op.f('ix_offer_organisation_id'), table_name='offer')
    op.drop_index(op.f('ix_offer_commune_code'), table_name='offer')
    op.drop_table('offer')
    op.drop_index(op.f('ix_need_territory_id'), table_name='need')
    op.drop_index('ix_need_status_category', table_name='need')
    op.drop_index(op.f('ix_need_organisation_id'), table_name='need')
    op.drop_index(op.f('ix_need_commune_code'), table_name='need')
    op.drop_table('need')
    op.drop_table('snapshot')
    op.drop_index(op.f('ix_pool_territory_id'), table_name='pool')
    op.drop_table('pool')
    op.drop_index('uq_organisation_siret', table_name='organisation', postgresql_where=sa.text('siret IS NOT NULL'))
    op.drop_index('uq_organisation_rna', table_name='organisation', postgresql_where=sa.text('rna IS NOT NULL'))
    op.drop_index(op.f('ix_organisation_territory_id'), table_name='organisation')
    op.drop_index(op.f('ix_organisation_commune_code'), table_name='organisation')
    op.drop_table('organisation')
    op.drop_index(op.f('ix_territory_parent_id'), table_name='territory')
    op.drop_table('territory')
    op.drop_index('uq_outbox_mail_idempotency_key', table_name='outbox_mail')
    op.drop_index('ix_outbox_mail_due', table_name='outbox_mail', postgresql_where=sa.text("status = 'queued'"))
    op.drop_index('ix_outbox_mail_claimed_by', table_name='outbox_mail', postgresql_where=sa.text("status = 'sending'"))
    op.drop_table('outbox_mail')
    op.drop_index('ix_commune_postal_codes', table_name='commune', postgresql_using='gin')
    op.drop_index('ix_commune_folded_name', table_name='commune', postgresql_ops={'folded_name': 'text_pattern_ops'})
    op.drop_index('ix_commune_epci_code', table_name='commune')
    op.drop_index('ix_commune_departement_code', table_name='commune')
    op.drop_table('commune')
    op.execute('DROP EXTENSION IF EXISTS unaccent')
