"""The options that `python -m sandbox` and `python manage.py sandbox` share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

DEFAULT_DROPLETS = 150
DEFAULT_TEAMS = 3
DEFAULT_SEED = 1
THIRTY_DAYS = 2_592_000  # seconds; the `expires_in` that DigitalOcean documents


@dataclass(frozen=True, slots=True)
class Options:
    """The command line options. None for droplets, teams or seed: use the value in the state file, else the default."""

    host: str
    port: int
    droplets: int | None
    teams: int | None
    seed: int | None
    latency_ms: int
    token_lifetime: int
    state: str
    client_id: str
    client_secret: str
    client_name: str
    redirect_uris: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every option to `parser`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=_port, default=8001, help="port to listen on; 0 picks a free one (default: 8001)"
    )
    parser.add_argument(
        "--droplets",
        type=_count,
        metavar="N",
        help=f"ordinary droplets of each team (default: as the state file has it, else {DEFAULT_DROPLETS})",
    )
    parser.add_argument(
        "--teams",
        type=_count,
        metavar="N",
        help=f"teams of Ada Byron (default: as the state file has it, else {DEFAULT_TEAMS})",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help=f"the same seed generates the same data (default: as the state file has it, else {DEFAULT_SEED}); "
        "another seed than the state file's starts with new data",
    )
    parser.add_argument(
        "--latency-ms",
        type=_count,
        default=0,
        metavar="N",
        help="milliseconds added to every response of the API and of the token endpoint (default: 0)",
    )
    parser.add_argument(
        "--token-lifetime",
        type=_count,
        default=THIRTY_DAYS,
        metavar="SECONDS",
        help=f"life of an access token (default: {THIRTY_DAYS}, thirty days)",
    )
    parser.add_argument(
        "--state",
        default="sandbox.sqlite3",
        metavar="FILE",
        help='SQLite file of clients, teams, grants and tokens; ":memory:" stores nothing (default: sandbox.sqlite3)',
    )
    _add_client_arguments(parser)


def _add_client_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client-id", default="sandbox-client", help="OAuth client id (default: sandbox-client)")
    parser.add_argument(
        "--client-secret", default="sandbox-secret", help="OAuth client secret (default: sandbox-secret)"
    )
    parser.add_argument(
        "--client-name", default="Conveyor", help="the OAuth client's name on the consent page (default: Conveyor)"
    )
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=None,
        metavar="URI",
        help="a registered callback URL, repeatable (default: any loopback http address whose path ends in "
        "/accounts/digitalocean/login/callback/)",
    )


def read(namespace: argparse.Namespace) -> Options:
    """The parsed command line as Options."""
    return Options(
        host=namespace.host,
        port=namespace.port,
        droplets=namespace.droplets,
        teams=namespace.teams,
        seed=namespace.seed,
        latency_ms=namespace.latency_ms,
        token_lifetime=namespace.token_lifetime,
        state=namespace.state,
        client_id=namespace.client_id,
        client_secret=namespace.client_secret,
        client_name=namespace.client_name,
        redirect_uris=tuple(namespace.redirect_uri or ()),
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, zero or more")
    return int(text)


def _port(text: str) -> int:
    if _count(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 0 to 65535")
    return int(text)
