"""The sandbox's own pages: consent, and the error page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from sandbox.people import NO_TEAM, Team, User

HERE = Path(__file__).parent
CONSENT = Template((HERE / "consent.html").read_text(encoding="utf-8"))
ERROR = Template((HERE / "error.html").read_text(encoding="utf-8"))
STYLE = (HERE / "sandbox.css").read_text(encoding="utf-8")
STYLE_PATH = "/v1/oauth/sandbox.css"

MEANINGS = {
    "read": "See everything, change nothing",
    "write": "Create, change and delete",
}


async def style(request: web.Request) -> web.Response:
    """The style sheet of both pages."""
    return web.Response(text=STYLE, content_type="text/css", charset="utf-8")


def consent(
    *, action: str, user: User, others: Sequence[User], teams: Sequence[Team], client_name: str, scope: str,
    parameters: Mapping[str, str], redirect_uri: str,
) -> web.Response:  # fmt: skip
    """The consent page for `user`. The form posts to `action`, which redirects the browser to `redirect_uri`."""
    hidden = "\n".join(_hidden(name, value) for name, value in {**parameters, "user": user.uuid}.items())
    other_users = "\n".join(
        f'<a href="{escape(action)}?{escape(urlencode({**parameters, "user": other.uuid}))}">{escape(other.name)}</a>'
        for other in others
    )
    page = CONSENT.substitute(
        style=STYLE_PATH,
        client=escape(client_name),
        target="a team" if teams else "your account",
        user=escape(user.name),
        email=escape(user.email),
        other_users=other_users,
        action=escape(action),
        hidden=hidden,
        teams="\n".join(_team(team, checked=team == teams[0]) for team in teams) or _no_team(user),
        scopes="\n".join(_scope(part) for part in scope.split()),
    )
    callback = urlsplit(redirect_uri)
    # Chromium applies form-action to the redirect after a form, too.
    return _page(page, 200, form_action=f"'self' {callback.scheme}://{callback.netloc}")


def error(sentence: str) -> web.Response:
    """The error page: what is wrong with the application's request. It does not redirect."""
    return _page(ERROR.substitute(style=STYLE_PATH, sentence=escape(sentence)), 400, form_action="'none'")


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def _team(team: Team, *, checked: bool) -> str:
    mark = " checked" if checked else ""
    return (
        f'<label class="team"><input type="radio" name="team" value="{team.uuid}"{mark}>'
        f"<span>{escape(team.name)}</span></label>"
    )


def _no_team(user: User) -> str:
    hint = f"{escape(user.name)} has no team. The access is to the account only."
    return f'{_hidden("team", NO_TEAM)}<p class="hint">{hint}</p>'


def _scope(part: str) -> str:
    meaning = MEANINGS.get(part)
    return f"<li><code>{escape(part)}</code>{f' {escape(meaning)}' if meaning else ''}</li>"


def _page(html: str, status: int, *, form_action: str) -> web.Response:
    policy = f"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}"
    return web.Response(
        text=html,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
