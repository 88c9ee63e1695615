"""The public directory is asked for associations by their RNA number too.

Revision: 0035
Follows: 0037
"""

from alembic import op

revision = "0035"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_company_record_siret_has_14_digits"), "company_record", type_="check")
    op.alter_column("company_record", "siret", new_column_name="number")
    op.create_check_constraint(op.f("ck_company_record_number_is_a_siret_or_an_rna"), "company_record", "number ~ '^([0-9]{14}|W[0-9A-Z]{9})$'")


def downgrade() -> None:
    op.execute("DELETE FROM company_record WHERE number LIKE 'W%'")
    op.drop_constraint(op.f("ck_company_record_number_is_a_siret_or_an_rna"), "company_record", type_="check")
    op.alter_column("company_record", "number", new_column_name="siret")
    op.create_check_constraint(op.f("ck_company_record_siret_has_14_digits"), "company_record", "siret ~ '^[0-9]{14}$'")
