"""`python -m conveyor.health`: exit code 0 while the web server of this machine answers `/healthz`, else 1.

For health checks of containers, whose image has no curl. It reads the same LISTEN and PORT as gunicorn.conf.py.
"""

from __future__ import annotations

import http.client
import os
import sys

_TIMEOUT = 3.0  # seconds


def main() -> int:
    listens = os.environ.get("LISTEN", "").strip()
    host = "127.0.0.1" if listens in ("", "0.0.0.0", "[::]") else listens.strip("[]")  # noqa: S104  # compared, not bound
    try:
        connection = http.client.HTTPConnection(host, int(os.environ.get("PORT") or 8000), timeout=_TIMEOUT)
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"The web server does not answer: {type(error).__name__}", file=sys.stderr)  # noqa: T201  # a program
        return 1
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
