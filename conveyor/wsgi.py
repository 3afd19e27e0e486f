"""The WSGI application that gunicorn serves: `gunicorn conveyor.wsgi`."""

import os

import django
from django.core.wsgi import get_wsgi_application

from conveyor.collected import require_static_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conveyor.settings")
django.setup()
require_static_files()
application = get_wsgi_application()
