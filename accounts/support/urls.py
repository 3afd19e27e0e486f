"""The desk's addresses, below `/admin/people/`. `conveyor.admin` puts them behind the admin site's checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from accounts.support import act_views, incident_views, views


def urls(wrap: Callable[..., Any]) -> list[URLPattern]:
    """`wrap` is `AdminSite.admin_view`."""
    act = wrap(act_views.act)
    return [
        path("people/", wrap(views.people), name="support_people"),
        path("people/<int:pk>/", wrap(views.person), name="support_person"),
        path("people/<int:pk>/acts/<slug:code>/", act, name="support_act"),
        path("people/<int:pk>/connections/<uuid:connection>/acts/<slug:code>/", act, name="support_connection_act"),
        path("incident/", wrap(incident_views.incident), name="support_incident"),
        path("incident/csv/", wrap(incident_views.incident_csv), name="support_incident_csv"),
        path("incident/email/", wrap(incident_views.write), name="support_incident_write"),
        path("incident/email/<uuid:pk>/", wrap(incident_views.email), name="support_incident_email"),
    ]
