"""The WSGI application that gunicorn serves: `gunicorn conveyor.wsgi`."""

import os

import django
from django.core.wsgi import get_wsgi_application

from conveyor.checks import require_static_files
from conveyor.stack import in_one_piece

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conveyor.settings")
django.setup()
require_static_files()
application = in_one_piece(get_wsgi_application())
