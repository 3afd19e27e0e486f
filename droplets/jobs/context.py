"""The context processor of the jobs in the header."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.decorators import is_seen_by_support
from droplets.jobs import display


def jobs(request: HttpRequest) -> dict[str, object]:
    """`jobs_header`: read when a template first uses it. Pages without the header do not."""
    told = not is_seen_by_support(request)
    return {"jobs_header": SimpleLazyObject(lambda: display.header(request.user, tell=told))}  # type: ignore[arg-type]  # or nobody
