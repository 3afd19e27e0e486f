"""How gunicorn serves Conveyor: `gunicorn conveyor.wsgi` reads this file by itself.

Whatever is given on gunicorn's command line, or in GUNICORN_CMD_ARGS, wins over what is set here.
"""

import gc

from gunicorn.http.wsgi import Response

from conveyor.environment import Environment, env_file

_env = Environment(env_file())

# Loopback, for a proxy on the same machine. In a container, LISTEN=0.0.0.0.
bind = f"{_env.text('LISTEN', '127.0.0.1')}:{_env.port('PORT', 8000)}"

# A page mostly waits, for DigitalOcean or for the database, so each worker has threads to do so in.
worker_class = "gthread"
workers = _env.number("WEB_CONCURRENCY", 2)
threads = 8
timeout = 30  # seconds without a sign of life from a worker before it is replaced
graceful_timeout = 30  # seconds for requests under way when a worker is asked to stop
keepalive = 5  # seconds

# Loaded once, before the workers: what is wrong with the configuration is said once and ends the master (exit code 1),
# where workers that each failed to load it would be started again and again.
preload_app = True

# gunicorn's default is a socket in the home directory, which two instances of one user would fight for.
control_socket_disable = True

# No query strings and no referrers: OAuth codes travel in the one and would turn up in the other.
accesslog = "-"
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(B)s bytes %(M)s ms'

# gunicorn's own lines look like Conveyor's and are redacted like them; those about errors hold whole addresses.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "conveyor.logs.RedactingFilter"}},
    "formatters": {"line": {"()": "conveyor.logs.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "gunicorn.access": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}

_env.finish()


class _Response(Response):
    """Without the Server header: which software this is helps nobody but who looks for its holes."""

    def default_headers(self) -> list[str]:
        return [header for header in super().default_headers() if not header.startswith("Server:")]


def when_ready(server: object) -> None:
    """What has been loaded stays: the garbage collector of each worker need not look through it again and again."""
    gc.collect()
    gc.freeze()


def post_fork(server: object, worker: object) -> None:
    """gunicorn has no setting for the class of its answers."""
    import gunicorn.http.wsgi

    gunicorn.http.wsgi.Response = _Response
