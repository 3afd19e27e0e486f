# syntax=docker/dockerfile:1
# One image for all of Conveyor: the web server (the default), and with other commands the worker, the scheduler and
# manage.py. compose.yaml shows them together; docs/deploy.md says how to run it.

FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /srv/venv
WORKDIR /srv/conveyor
# The packages before the code: a new version of the code alone installs nothing. requirements.txt is the lock file.
COPY requirements.txt ./
RUN /srv/venv/bin/python -m pip install --require-hashes -r requirements.txt
COPY . .
# Django's settings want keys; these stay in this stage and open nothing.
RUN SECRET_KEY=only-for-the-build-0123456789-0123456789-0123456789-01234 \
    TOKEN_KEYS=b25seS1mb3ItdGhlLWJ1aWxkLW9ubHktZm9yLWJ1aWw= \
    DIGITAL_OCEAN_CLIENT_ID=build DIGITAL_OCEAN_CLIENT_SECRET=build STATIC_ROOT=/srv/staticfiles \
    /srv/venv/bin/python manage.py collectstatic --no-input
# The root file system is read-only when it runs.
RUN /srv/venv/bin/python -m compileall -q /srv/conveyor

FROM python:3.11-slim-bookworm

RUN groupadd --gid 10001 conveyor \
    && useradd --uid 10001 --gid conveyor --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin conveyor \
    && install --directory --owner conveyor --group conveyor --mode 0700 /var/lib/conveyor
COPY --from=build /srv /srv

ENV PATH=/srv/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LISTEN=0.0.0.0 \
    PORT=8000 \
    GUNICORN_CMD_ARGS="--worker-tmp-dir /dev/shm" \
    STATIC_ROOT=/srv/staticfiles \
    DATABASE_URL=sqlite:////var/lib/conveyor/db.sqlite3 \
    SPILL_DIR=/var/lib/conveyor/spill \
    QUEUE_DIR=/var/lib/conveyor/queue

WORKDIR /srv/conveyor
USER 10001:10001
VOLUME /var/lib/conveyor
EXPOSE 8000
# SIGTERM lets requests finish: graceful_timeout in gunicorn.conf.py.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "conveyor.health"]
CMD ["gunicorn", "conveyor.wsgi"]
