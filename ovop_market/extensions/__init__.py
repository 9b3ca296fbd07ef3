"""The extensions, made once and bound to the application in create_app()."""

from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from ovop_market.extensions.addresses import sender
from ovop_market.extensions.database import db

babel = Babel()
compress = Compress()
csrf = CSRFProtect()
# Nothing is limited but what names its limit.
limiter = Limiter(key_func=sender)
login = LoginManager()
# Batch mode lets SQLite change constraints, by copying the table.
migrate = Migrate(render_as_batch=True, compare_type=True)

__all__ = ["babel", "compress", "csrf", "db", "limiter", "login", "migrate"]
