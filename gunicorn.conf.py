"""How gunicorn serves Conveyor: `gunicorn conveyor.wsgi` reads this file by itself.

gunicorn's command line and GUNICORN_CMD_ARGS win over this file.
"""

import gc
from typing import Any

from conveyor.environment import Environment, env_file
from conveyor.logs import logging_config
from conveyor.memory import limit_arenas

_env = Environment(env_file())

# Loopback, for a proxy on the same machine. In a container, LISTEN=0.0.0.0.
bind = f"{_env.text('LISTEN', '127.0.0.1')}:{_env.port('PORT', 8000)}"

# A page mostly waits, for DigitalOcean or for the database, so each worker has threads.
worker_class = "gthread"
workers = _env.number("WEB_CONCURRENCY", 2)
threads = 8
timeout = 30  # seconds without a sign of life from a worker before it is replaced
graceful_timeout = 30  # seconds for requests under way when a worker is asked to stop
keepalive = 5  # seconds

# Load the application before the workers start: a bad configuration then ends the master (exit code 78) with one line.
# Workers that each failed to load it would be started again and again.
preload_app = True

# gunicorn's default is a socket in the home directory, which two instances of one user cannot share.
control_socket_disable = True

# No query strings and no referrers: they can hold OAuth codes.
accesslog = "-"
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(B)s bytes %(M)s ms'

# gunicorn's own lines look like Conveyor's and are redacted like them: those about errors hold whole addresses.
logconfig_dict = logging_config(
    debug=_env.flag("DEBUG"),
    loggers={
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "gunicorn.access": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
)

# X-Forwarded-Proto counts only where TRUSTED_PROXIES says that there is a proxy, whatever its address. No header may
# set SCRIPT_NAME or PATH_INFO: a client could get past a proxy's rules on paths.
forwarded_allow_ips = "*" if _env.number("TRUSTED_PROXIES", 0) else ""
forwarder_headers = ""

_env.finish()

limit_arenas()  # before there is any thread, and before the workers are forked


def when_ready(server: object) -> None:
    """Keep what is loaded now: the garbage collector of each worker need not look through it again and again."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """Say that it is ready, and store what a process that was killed has left in spill files."""
    from accounts import spill

    spill.store_in_background()
    worker.log.info("Worker ready (pid: %s)", worker.pid)
