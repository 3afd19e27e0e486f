"""Static files have to be collected before they can be served: said at the start, not by the first page."""

from __future__ import annotations

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

from conveyor.environment import stop


def require_static_files() -> None:
    """End the process with one line (exit code 1) when a static file of the code is missing among the collected.

    With DEBUG off a page that names such a file is a 500. With DEBUG on they are served from where they are.
    """
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return
    found = {path for finder in get_finders() for path, _ in finder.list([])}
    if found - set(staticfiles_storage.hashed_files):
        stop(f"static files are not collected in {settings.STATIC_ROOT}: run python manage.py collectstatic --no-input")
