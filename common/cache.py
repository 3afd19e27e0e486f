"""One cache object for the whole process."""

from __future__ import annotations

from functools import cache

from django.core.cache import DEFAULT_CACHE_ALIAS, BaseCache, caches


@cache
def shared() -> BaseCache:
    """The default cache, for threads that come and go as well as for requests.

    Django makes a cache object for each thread, and with Redis connections of its own: a thread that lives for one
    call would open one for that. This one is made at the first use and safe to share: both backends lock or pool what
    they hold, and redis-py's pool notices a fork.
    """
    return caches.create_connection(DEFAULT_CACHE_ALIAS)
