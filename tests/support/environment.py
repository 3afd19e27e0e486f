"""The environment of the tests, set before Django reads its settings (pytest loads this first, by `-p`).

DATABASE_URL and REDIS_URL come from outside, so that one suite runs on every kind of host.
"""

from __future__ import annotations

import os
import tempfile
from uuid import uuid4

# A developer's .env is none of the tests' business.
os.environ["ENV_FILE"] = ""
os.environ.update(
    {
        "DEBUG": "False",
        "SECRET_KEY": "a-key-for-tests-alone-0123456789-0123456789-0123456789",
        "TOKEN_KEYS": "dGVzdHMtYWxvbmUtdGVzdHMtYWxvbmUtdGVzdHMtYWw=",
        "DIGITAL_OCEAN_CLIENT_ID": "sandbox-client",
        "DIGITAL_OCEAN_CLIENT_SECRET": "sandbox-secret",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
        "BASE_URL": "http://127.0.0.1",
        "EMAIL_URL": "smtp://127.0.0.1:9",
        "HTTPS": "False",
        "SANDBOX_COMMAND": "True",
    }
)
for name in (
    "DIGITAL_OCEAN_OAUTH_URL",
    "DIGITAL_OCEAN_API_URL",
    "SENTRY_DSN",
    "TRUSTED_PROXIES",
    "DIGITAL_OCEAN_PKCE",
    "SECURITY_CONTACT",
    "HSTS_SUBDOMAINS",
):
    os.environ.pop(name, None)

# Processes that run tests side by side may share a Redis, with each other and with a developer: each has its own keys.
os.environ["CACHE_PREFIX"] = f"tests-{uuid4().hex}"
# So do spill files: another process's tests must not store what this one's have left.
os.environ["SPILL_DIR"] = tempfile.mkdtemp(prefix="conveyor-spill-")
os.environ["QUEUE_DIR"] = tempfile.mkdtemp(prefix="conveyor-queue-")
