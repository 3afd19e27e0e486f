"""System checks of Django (`manage.py check --deploy`) that Conveyor adds. gunicorn does not start when one fails."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import CheckMessage, Error, Tags, register, run_checks

from conveyor.environment import stop


@register(Tags.staticfiles, deploy=True)
def static_files_are_collected(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """conveyor.E001: every static file of the code is among the collected ones.

    With DEBUG off a page that uses a missing file is a 500. With DEBUG on no file is collected.
    """
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return []
    files = {path for finder in get_finders() for path, _ in finder.list([])}
    if files <= set(staticfiles_storage.hashed_files):
        return []
    text = f"static files are not collected in {settings.STATIC_ROOT}: run python manage.py collectstatic --no-input"
    return [Error(text, id="conveyor.E001")]


def require_static_files() -> None:
    """End the process (exit code 78) with one line when conveyor.E001 fails."""
    problems = run_checks(tags=[Tags.staticfiles], include_deployment_checks=True)
    if errors := [problem for problem in problems if problem.is_serious() and not problem.is_silenced()]:
        stop("; ".join(f"{error.msg} ({error.id})" for error in errors))
