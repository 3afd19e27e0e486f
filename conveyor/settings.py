"""Conveyor's settings. What differs between hosts comes from the environment; `.env.example` lists it."""

from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conveyor.account_settings import *  # noqa: F403  # settings, all of them
from conveyor.environment import BASE_DIR, Environment, env_file
from conveyor.logs import logging_config, start_sentry

_env = Environment(env_file())

DEBUG = _env.flag("DEBUG")
_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]

SECRET_KEY = (
    _env.secret("SECRET_KEY", required=not DEBUG, how="take 50 or more random characters")
    or "insecure-key-for-development-only-" + "0" * 20
)
ALLOWED_HOSTS = _env.hosts("ALLOWED_HOSTS", _LOOPBACK)

# With DEBUG on there is a default key. It is public, so it protects nothing.
TOKEN_KEYS = _env.fernet_keys(
    "TOKEN_KEYS",
    required=not DEBUG,
    how='make one with python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
) or ["ZGV2ZWxvcG1lbnQtb25seS1kZXZlbG9wbWVudC1vbmw="]

_REGISTER = "register an OAuth application in DigitalOcean's control panel under API"
DIGITAL_OCEAN_CLIENT_ID = _env.secret("DIGITAL_OCEAN_CLIENT_ID", required=not DEBUG, how=_REGISTER)
DIGITAL_OCEAN_CLIENT_SECRET = _env.secret(
    "DIGITAL_OCEAN_CLIENT_SECRET", required=not DEBUG or bool(DIGITAL_OCEAN_CLIENT_ID), how=_REGISTER
)
DIGITAL_OCEAN_OAUTH_URL = _env.url(
    "DIGITAL_OCEAN_OAUTH_URL",
    "https://cloud.digitalocean.com/v1/oauth",
    "https://cloud.digitalocean.com/v1/oauth",
)
DIGITAL_OCEAN_API_URL = _env.url(
    "DIGITAL_OCEAN_API_URL", "https://api.digitalocean.com/v2", "https://api.digitalocean.com/v2"
)
DIGITAL_OCEAN_PKCE = _env.flag("DIGITAL_OCEAN_PKCE")
# A DigitalOcean on this machine can only be the sandbox. Every page says so.
SANDBOX = urlsplit(DIGITAL_OCEAN_OAUTH_URL).hostname in ("127.0.0.1", "localhost", "::1")

# Seconds that a page waits for DigitalOcean: the fleet then shows what it has, a droplet's page that it is slow.
PAGE_DEADLINE = 4.0

INSTALLED_APPS = [
    "conveyor.apps.ConveyorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "csp",
    "accounts",
    "accounts.provider",
    "common",
    "droplets",
    "conveyor.apps.ConveyorConfig",
]
# The command `manage.py sandbox`, for development. Its server (aiohttp) is in requirements-dev.txt.
if DEBUG or _env.flag("SANDBOX_COMMAND"):
    INSTALLED_APPS.append("sandbox")

MIDDLEWARE = [
    "conveyor.logs.RequestIdMiddleware",
    "conveyor.middleware.count_requests",
    "conveyor.middleware.security_headers",
    "conveyor.middleware.known_methods",
    "csp.middleware.CSPMiddleware",  # before WhiteNoise, which answers for static files
    "django.middleware.security.SecurityMiddleware",
    "conveyor.middleware.health_checks",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "conveyor.compression.CompressionMiddleware",  # after WhiteNoise, whose files are compressed already
    "accounts.base_url.accounts_at_base_url",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "conveyor.middleware.no_store_when_logged_in",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "conveyor.session_limits.SessionActivityMiddleware",
    "accounts.support.view_as_middleware.ViewAsMiddleware",  # last: all others know the staff member only
]

ROOT_URLCONF = "conveyor.urls"
WSGI_APPLICATION = "conveyor.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "conveyor.views.site",
                "droplets.jobs.context.jobs",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja2"],
        "OPTIONS": {"environment": "conveyor.jinja.environment"},
    },
]

_database = _env.database("DATABASE_URL", BASE_DIR / "db.sqlite3")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers and one writer work at the same time. An immediate transaction waits for other writers when it
    # begins; otherwise it could fail in the middle with "database is locked".
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _env.redis_url("REDIS_URL")
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "conveyor.caches.RedisCache",
        "LOCATION": [REDIS_URL],  # a list, because commas in a text separate servers
        "KEY_PREFIX": _env.text("CACHE_PREFIX", "conveyor"),
    }
    if REDIS_URL
    else {"BACKEND": "conveyor.caches.MemoryCache"}
}

# Without EMAIL_URL no email can be sent, so addresses are not verified. With DEBUG on, emails are printed. With DEBUG
# off they are dropped, because a reset link in a log opens an account.
_email = _env.email("EMAIL_URL")
if _email:
    EMAIL_BACKEND = _email["EMAIL_BACKEND"]
    EMAIL_HOST = _email.get("EMAIL_HOST") or "localhost"
    EMAIL_PORT = _email.get("EMAIL_PORT") or 25
    EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER") or ""
    EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_PASSWORD") or ""
    EMAIL_USE_TLS = bool(_email.get("EMAIL_USE_TLS"))
    EMAIL_USE_SSL = bool(_email.get("EMAIL_USE_SSL"))
    EMAIL_FILE_PATH = _email.get("EMAIL_FILE_PATH") or None
else:
    EMAIL_BACKEND = f"django.core.mail.backends.{'console' if DEBUG else 'dummy'}.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _env.text("DEFAULT_FROM_EMAIL", "Conveyor <conveyor@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Accounts
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if _email else "optional"
SOCIALACCOUNT_EMAIL_VERIFICATION = ACCOUNT_EMAIL_VERIFICATION
MFA_ALLOW_UNVERIFIED_EMAIL = not _email  # without EMAIL_URL no address can be verified
SOCIALACCOUNT_PROVIDERS = {
    "digitalocean": {
        "APP": {
            "name": "DigitalOcean",
            "client_id": DIGITAL_OCEAN_CLIENT_ID,
            "secret": DIGITAL_OCEAN_CLIENT_SECRET,
        },
        "SCOPE": ["read"],
        "OAUTH_PKCE_ENABLED": DIGITAL_OCEAN_PKCE,
    }
}
SECOND_FACTOR_RESET_HOURS = _env.number("SECOND_FACTOR_RESET_HOURS", 72)  # accounts/second_factor_reset.py
SESSION_IDLE_DAYS = _env.days("SESSION_IDLE_DAYS", 14)
SESSION_MAX_DAYS = _env.days("SESSION_MAX_DAYS", 30)
# conveyor.session_limits ends a session at its limit. The cookie lives longer, so that the log-in page can say why.
SESSION_COOKIE_AGE = (SESSION_MAX_DAYS + SESSION_IDLE_DAYS) * 24 * 3600

# Number of proxies in front of Conveyor that set X-Forwarded-For and X-Forwarded-Proto.
TRUSTED_PROXIES = _env.number("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES:
    ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# HTTPS is the default as soon as a host is not this machine. HTTPS=True or False overrules that.
_HTTPS = _env.flag("HTTPS", not DEBUG and any(host not in _LOOPBACK for host in ALLOWED_HOSTS))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _env.flag("HSTS_SUBDOMAINS")
# Browsers accept a cookie with __Host- in its name from this very host alone, and by HTTPS alone.
_PREFIX = "__Host-" if _HTTPS else ""
SESSION_COOKIE_NAME = f"{_PREFIX}conveyor"
CSRF_COOKIE_NAME = f"{_PREFIX}conveyor-csrf"
LANGUAGE_COOKIE_NAME = f"{_PREFIX}conveyor-language"
if _HTTPS:
    MESSAGE_STORAGE = "conveyor.middleware.HostMessageStorage"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _HTTPS else "http"

# The origin of links in emails, of passkeys and of the OAuth callback. Not the Host header: its sender chooses it.
_names = [host.lstrip(".") for host in ALLOWED_HOSTS if host not in (*_LOOPBACK, "*")]
_host_url = (
    f"{ACCOUNT_DEFAULT_HTTP_PROTOCOL}://{_names[0]}" if _names else f"http://127.0.0.1:{_env.port('PORT', 8000)}"
)
_base_url = _env.origin("BASE_URL", required="*" in ALLOWED_HOSTS and not _names and not DEBUG) or _host_url
BASE_URL = _base_url.lower()  # as browsers write an origin
SECURITY_CONTACT = _env.text("SECURITY_CONTACT", f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# HSTS for subdomains (W005, HSTS_SUBDOMAINS) and the browsers' preload list (W021) are the domain owner's decision. The
# proxy redirects to HTTPS (W008): a redirect made here would loop for ever where TRUSTED_PROXIES is not set.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

_oauth = urlsplit(DIGITAL_OCEAN_OAUTH_URL)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        # Chromium applies form-action to a redirect after a POST. The Connect button needs these.
        "form-action": ["'self'", f"{_oauth.scheme}://{_oauth.netloc}", BASE_URL],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
EVENT_DAYS = _env.days("EVENT_DAYS", 365)  # how long the audit log is kept
ACTION_DAYS = _env.days("ACTION_DAYS", 365)  # how long actions and jobs are kept
CHANGE_DAYS = _env.days("CHANGE_DAYS", 365)  # how long the time line is kept
WATCH_MINUTES = _env.number("WATCH_MINUTES", 5)  # between two readings of a team while nobody looks; 0 for none
WEBHOOK_PRIVATE = _env.flag("WEBHOOK_PRIVATE")  # watchers may post to private networks, and without TLS
STATIC_URL = "static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
QUEUE_DIR = Path(_env.text("QUEUE_DIR", str(BASE_DIR / "queue")))  # the workers' messages, without REDIS_URL
SPILL_DIR = Path(_env.text("SPILL_DIR", str(BASE_DIR / "spill")))  # accounts/spill.py; one for all processes of a host
STATIC_ROOT = Path(_env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

METRICS_DIR = _env.text("METRICS_DIR")  # common/metrics.py; one for all processes of a host
METRICS_LISTEN = _env.address("METRICS_LISTEN", "127.0.0.1")  # `manage.py serve_metrics`
METRICS_PORT = _env.port("METRICS_PORT", 9464)

LOGGING = logging_config(
    debug=DEBUG,
    loggers={
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.security.DisallowedHost": {"filters": ["no_traceback"]},
        "urllib3": {"level": "WARNING"},
        # Two lines for each task, and tasks come every few seconds.
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
)
DEFAULT_EXCEPTION_REPORTER_FILTER = "conveyor.logs.RedactingReporterFilter"

SENTRY_DSN = _env.sentry_dsn("SENTRY_DSN")

_env.finish()

if SENTRY_DSN:
    start_sentry(SENTRY_DSN)
