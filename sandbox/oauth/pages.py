"""The sandbox's own pages: consent, and the error page that never comes back."""

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
    """The pages' one style sheet."""
    return web.Response(text=STYLE, content_type="text/css", charset="utf-8")


def consent(
    *, action: str, user: User, others: Sequence[User], teams: Sequence[Team], client_id: str, scope: str,
    parameters: Mapping[str, str], redirect_uri: str,
) -> web.Response:  # fmt: skip
    """Ask `user` for consent. The form posts to `action`, and from there the browser goes to `redirect_uri`."""
    hidden = "\n".join(_hidden(name, value) for name, value in {**parameters, "user": user.uuid}.items())
    switches = "\n".join(
        f'<a href="{escape(action)}?{escape(urlencode({**parameters, "user": other.uuid}))}">{escape(other.name)}</a>'
        for other in others
    )
    page = CONSENT.substitute(
        style=STYLE_PATH,
        client=escape(client_id),
        user=escape(user.name),
        email=escape(user.email),
        switches=switches,
        action=escape(action),
        hidden=hidden,
        teams="\n".join(_team(team, checked=team == teams[0]) for team in teams) or _no_team(user),
        scopes="\n".join(_scope(part) for part in scope.split()),
    )
    callback = urlsplit(redirect_uri)
    # Chromium holds form-action against the redirect that follows a form, too.
    return _page(page, 200, form_action=f"'self' {callback.scheme}://{callback.netloc}")


def error(sentence: str) -> web.Response:
    """Say what is wrong with the application's request. The browser stays here."""
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
    hint = f"{escape(user.name)} has no team: the access is to the account alone."
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
