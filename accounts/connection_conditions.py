"""The states of connections as conditions for the database: what `connection_state.state_of` says of one connection.

An index has them (`Connection.Meta`), so a changed condition needs a migration. A connection whose key is lost is in
none of them: only decrypting its token shows that.
"""

from django.db.models import F, Q

from digitalocean_client import errors

_HEALTHY = Q(state="healthy")
# A reading that failed with older tokens says nothing about a connection that has others by now.
_IS_CURRENT = Q(reading_generation__gte=F("generation"))
_REJECTED = errors.TokenRejected.code
_OWNERS = (errors.NeedsReconnect.code, errors.NotAllowed.code)  # in one order, as the index has them

NEEDS_OWNER = ~_HEALTHY | Q(_IS_CURRENT, reading_outcome__in=_OWNERS)
DIGITALOCEAN_FAILING = _HEALTHY & (
    ~Q(reading_outcome__in=("", "ok", "incomplete", *_OWNERS, _REJECTED)) | Q(_IS_CURRENT, reading_outcome=_REJECTED)
)
REFRESH_FAILING = _HEALTHY & ~Q(last_error="")
NOT_WHOLE = _HEALTHY & Q(reading_outcome="incomplete")
SICK = NEEDS_OWNER | DIGITALOCEAN_FAILING | REFRESH_FAILING | NOT_WHOLE
"""Connections that are not healthy."""
