"""Secrets of second factors sealed with a key of the site

Those of today are sealed here and not at their next use: from the day of the deployment no copy of the database holds one.

Revision: 0028
Follows: 0026b
"""

from base64 import urlsafe_b64encode

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

revision = '0028'
down_revision = '0026b'
branch_labels = None
depends_on = None

factors = sa.table('second_factor', sa.column('user_id', sa.Uuid()), sa.column('secret', sa.Text()))


def box() -> MultiFernet:
    """The keys of services/sealing.py, for secrets of second factors."""
    keys = [current_app.config['SECRET_KEY'], *(current_app.config['SECRET_KEY_FALLBACKS'] or [])]
    derived = [HKDF(algorithm=SHA256(), length=32, salt=None, info=b'matchmaker second factor').derive(key.encode()) for key in keys]
    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in derived])


def rewrite(change) -> None:
    connection = op.get_bind()
    for user_id, secret in connection.execute(sa.select(factors)).all():
        connection.execute(factors.update().where(factors.c.user_id == user_id).values(secret=change(secret.encode()).decode()))


def upgrade() -> None:
    rewrite(box().encrypt)
    op.create_check_constraint(op.f('ck_second_factor_secret_is_sealed'), 'second_factor', "secret LIKE 'gAAAAA%'")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_second_factor_secret_is_sealed'), 'second_factor', type_='check')
    rewrite(box().decrypt)
