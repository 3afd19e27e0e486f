from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

app_name = "droplets"


def _placeholder(request: HttpRequest) -> HttpResponse:
    return HttpResponse("fleet")


urlpatterns = [path("droplets/", _placeholder, name="fleet")]
