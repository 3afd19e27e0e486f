"""Pages for a user who has lost the second factor: ask for its reset, finish it, or stop it by the link in an email."""

from allauth.account.stages import LoginStage, LoginStageController
from allauth.core.ratelimit import respond_429
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import second_factor_reset

_KEY = "second_factor_reset"
"""Session key of the link that finishes a reset: it is opened before the log-in that it is for."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """How to ask; in the second step of a log-in: ask, or see how far the request is.

    Only who has used the first factor can ask, so nobody else learns who has an account or a second factor.
    """
    if request.user.is_authenticated:
        return redirect("mfa_index")
    stage = _second_step(request)
    if request.method == "POST":
        if not stage:
            return redirect("account_login")
        user = stage.login.user
        if second_factor_reset.can_be_emailed(user) and not second_factor_reset.ask(request, user):
            answer: HttpResponse = respond_429(request)
            return answer
        return redirect("accounts:lost_phone")
    context = {
        "is_second_step": bool(stage),
        "can_be_emailed": stage and second_factor_reset.can_be_emailed(stage.login.user),
        "reset": stage and second_factor_reset.open_request(stage.login.user),
        "hours": settings.SECOND_FACTOR_RESET_HOURS,
        "key": request.session.get(_KEY, ""),
    }
    return render(request, "accounts/lost_phone.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def finish(request: HttpRequest, key: str) -> HttpResponse:
    """GET remembers the link for the log-in that follows. POST, in the second step of it, finishes the reset."""
    reset = second_factor_reset.find(key, second_factor_reset.FINISH)
    if reset is None or not reset.is_open:
        return render(request, "accounts/lost_phone_unknown.html", status=404)
    stage = _second_step(request)
    if request.method != "POST" or not stage:
        request.session[_KEY] = key
        return redirect("accounts:lost_phone")
    try:
        second_factor_reset.finish(stage.login.user, key)
    except second_factor_reset.NotPossible as error:
        messages.error(request, str(error))
        return redirect("accounts:lost_phone")
    request.session.pop(_KEY, None)
    messages.success(request, "Two-factor authentication is off. Turn it on with your new phone.")
    stage.login.redirect_url = reverse("mfa_index")
    answer: HttpResponse = stage.exit()
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then stop the request. No log-in is needed: the link is the proof."""
    reset = second_factor_reset.find(key, second_factor_reset.STOP)
    if reset is None:
        return render(request, "accounts/lost_phone_unknown.html", status=404)
    if request.method == "POST":
        second_factor_reset.stop(reset.user)
    is_open = second_factor_reset.open_request(reset.user) is not None
    return render(request, "accounts/lost_phone_stop.html", {"is_open": is_open, "key": key})


def _second_step(request: HttpRequest) -> LoginStage | None:
    """The pending log-in of this browser, if only the second factor is missing."""
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    return stage if stage and stage.login.user else None
