"""The cache, with Redis in every state: an operation never fails, and Redis is used again once it answers."""

from __future__ import annotations

import logging
import pickle
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import BaseCache, cache, caches
from django.test import Client

from common.cache import shared
from conveyor.caches import PAUSE
from tests.support.at_once import at_once
from tests.support.clock import Clock
from tests.support.programs import DEPLOYED, run
from tests.support.redis_server import OUTAGES, RedisServer

LOGGER = "conveyor.caches"

IN_CHILDREN = """
import os, django
django.setup()
from common.cache import shared
shared().set("count", 0)
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        for _ in range(100):
            shared().incr("count")
        os._exit(0)
    children.append(child)
codes = [os.waitpid(child, 0)[1] for child in children]
print(codes, shared().get("count"))
"""


@pytest.fixture
def lines() -> Iterator[list[tuple[str, str]]]:
    """What the cache has logged so far: level and message."""
    found: list[tuple[str, str]] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append((record.levelname, record.getMessage()))  # type: ignore[method-assign]
    logging.getLogger(LOGGER).addHandler(handler)
    yield found
    logging.getLogger(LOGGER).removeHandler(handler)


def use_every_operation(it: BaseCache) -> None:
    """Every operation, checked by the next ones."""
    it.clear()
    assert it.add("number", 1, 60)
    assert not it.add("number", 5, 60)
    assert (it.get("number"), it.get("nothing"), it.get("nothing", "a default")) == (1, None, "a default")
    assert (it.incr("number", 4), it.decr("number"), it.get("number")) == (5, 4, 4)
    it.delete("float")
    for operation in (it.incr, it.decr):
        with pytest.raises(ValueError):
            operation("nothing")
    it.set("bytes", b"\x00\xff", 60)
    it.set("float", 0.5, 60)
    assert it.get("float") == 0.5
    it.set("past", 1, 0)
    assert it.set_many({"list": [1, None], "text": "ü"}, 60) == []
    wanted = (key for key in ("bytes", "list", "text", "past", "nothing"))
    assert it.get_many(wanted) == {"bytes": b"\x00\xff", "list": [1, None], "text": "ü"}
    assert it.get_many([]) == {}
    assert (it.touch("text", 60), it.touch("nothing", 60)) == (True, False)
    assert (it.has_key("text"), "text" in it, "nothing" in it) == (True, True, False)
    assert it.get_or_set("made", lambda: 7, 60) == 7
    assert (it.delete("text"), it.delete("text")) == (True, False)
    it.delete_many(key for key in ("list", "nothing"))
    assert it.get_many(["bytes", "list", "text", "made"]) == {"bytes": b"\x00\xff", "made": 7}
    it.clear()
    assert it.get_many(["number", "bytes", "made"]) == {}


# Works


def test_every_operation_in_the_cache_of_this_test_run() -> None:
    use_every_operation(cache)
    use_every_operation(shared())


def test_every_operation_in_redis(redis: RedisServer, lines: list[Any]) -> None:
    use_every_operation(cache)
    use_every_operation(shared())

    cache.set("here", 1)
    assert redis.admin.get(cache.make_key("here")) == b"1"
    assert lines == []


def test_redis_holds_plain_values_and_no_pickles(redis: RedisServer) -> None:
    cache.set("key", [b"\x00", 1.5, (1, "a"), {"b": None}])

    assert cache.get("key") == [b"\x00", 1.5, [1, "a"], {"b": None}]
    with pytest.raises(TypeError):
        cache.set("key", object())


def test_threads_share_one_object_and_lose_no_count(redis: RedisServer) -> None:
    shared().set("count", 0)

    at_once(*[lambda: [shared().incr("count") for _ in range(25)]] * 16)

    assert shared().get("count") == cache.get("count") == 400
    assert redis.connections_so_far() <= 1 + 16 + 1  # the administrator's, the threads', this thread's own


def test_forked_processes_have_connections_of_their_own(redis: RedisServer) -> None:
    given = {**DEPLOYED, "REDIS_URL": redis.url, "DJANGO_SETTINGS_MODULE": "conveyor.settings"}

    found = run((sys.executable, "-c", IN_CHILDREN), given)

    assert (found.returncode, found.stdout.strip(), found.stderr) == (0, "[0, 0, 0] 300", "")


def test_clear_keeps_the_keys_of_others_in_the_same_redis(redis: RedisServer, settings: Any) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": "a[b]*"}}
    others = {"somebody:1:else", "a[b]", "ab:1:else", "a[b]c:1:else"}
    for key in others:
        redis.admin.set(key, 1)
    cache.set_many({"one": 1, "two": 2})

    cache.clear()

    assert {key.decode() for key in redis.admin.scan_iter()} == others


def test_memory_has_room_for_log_in_attempts_beside_everything_else(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "conveyor.caches.MemoryCache", "LOCATION": "a test's"}}
    cache.set("attempts", 4)

    for number in range(5_000):
        cache.set(f"else:{number}", number)

    assert cache.get("attempts") == 4
    cache.clear()


# Refuses


@pytest.mark.django_db
@pytest.mark.parametrize("how", OUTAGES)
def test_readyz_names_a_redis_that_does_not_work(client: Client, redis: RedisServer, how: str) -> None:
    assert client.get("/readyz").json() == {"database": True, "cache": True}
    redis.go_away(how)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"database": True, "cache": False})


@pytest.mark.django_db
def test_readyz_asks_redis_itself_and_sees_at_once_that_it_is_back(client: Client, redis: RedisServer) -> None:
    redis.stop()
    cache.set("in", "memory")
    assert client.get("/readyz").status_code == 503

    redis.start()

    assert cache.get("in") == "memory"
    assert client.get("/readyz").status_code == 200


# Handles


@pytest.mark.parametrize("how", OUTAGES)
def test_no_operation_fails_while_redis_is_away(redis: RedisServer, lines: list[Any], how: str) -> None:
    cache.set("kept", "in Redis")
    redis.go_away(how)

    use_every_operation(cache)
    use_every_operation(shared())

    [(level, message)] = lines
    assert level == "WARNING"
    assert "does not answer" in message
    assert redis.password not in message


@pytest.mark.parametrize(
    "doing",
    [
        lambda: cache.add("key", 1),
        lambda: cache.get("key"),
        lambda: cache.set("key", 1),
        lambda: cache.touch("key"),
        lambda: cache.delete("key"),
        lambda: cache.get_many(["key"]),
        lambda: cache.has_key("key"),
        lambda: cache.set_many({"key": 1}),
        lambda: cache.delete_many(["key"]),
        lambda: cache.clear(),
    ],
)
def test_any_operation_may_be_the_one_that_finds_redis_gone(redis: RedisServer, doing: Any) -> None:
    cache.set("before", 1)
    redis.stop()

    doing()


def test_a_redis_that_was_never_there(redis: RedisServer) -> None:
    redis.stop()

    use_every_operation(cache)


def test_one_line_when_redis_goes_and_one_when_it_is_back(
    redis: RedisServer, cache_clock: Clock, lines: list[tuple[str, str]]
) -> None:
    redis.stop()
    at_once(*[partial(cache.get, "key")] * 8)
    at_once(*[partial(cache.get, "key")] * 8)
    assert [level for level, _ in lines] == ["WARNING"]

    redis.start()
    cache_clock.move_on(PAUSE)
    at_once(*[partial(cache.get, "key")] * 8)

    assert [level for level, _ in lines] == ["WARNING", "INFO"]
    assert "answers again" in lines[1][1]


def test_redis_is_left_alone_for_a_while_and_then_used_again(redis: RedisServer, cache_clock: Clock) -> None:
    redis.stop()
    cache.set("key", "before")
    redis.start()
    cache_clock.move_on(PAUSE - 0.1)
    cache.set("key", "meanwhile")
    assert redis.admin.dbsize() == 0
    assert cache.get("key") == shared().get("key") == "meanwhile"

    cache_clock.move_on(0.2)
    cache.set("key", "after")

    assert redis.admin.dbsize() == 1
    assert cache.get("key") == shared().get("key") == "after"


def test_no_such_key_is_an_answer_too(redis: RedisServer, cache_clock: Clock) -> None:
    redis.stop()
    cache.get("key")
    redis.start()
    cache_clock.move_on(PAUSE)

    with pytest.raises(ValueError):
        cache.incr("key")

    cache.set("key", 1)
    assert redis.admin.dbsize() == 1


def test_clear_empties_memory_after_an_outage_too(redis: RedisServer, cache_clock: Clock) -> None:
    redis.stop()
    cache.set("key", 1)
    redis.start()
    cache_clock.move_on(PAUSE)
    cache.clear()
    redis.stop()

    assert cache.get("key") is None


def test_one_thread_tries_a_redis_that_hangs_and_the_others_do_not_wait(redis: RedisServer, cache_clock: Clock) -> None:
    cache.set("key", 1)
    redis.go_away("hung")
    cache.get("key")
    cache_clock.move_on(PAUSE)
    answers = at_once(*[partial(cache.get, "key", "from memory")] * 8)
    assert answers == ["from memory"] * 8

    redis.wake_up()

    # The administrator's, the first, and the one that tried; the one that was hung up on was there before.
    assert redis.connections_so_far() == 3


def test_counts_of_an_outage_hold_in_the_next_one_and_expire_later(redis: RedisServer, cache_clock: Clock) -> None:
    def go_and_come_back() -> Any:
        redis.stop()
        cache.get("attempts")
        found = cache.get("attempts")
        cache.add("attempts", 4, 3600)
        redis.start()
        cache_clock.move_on(PAUSE)
        assert cache.get("attempts") is None  # Redis never knew
        return found

    assert go_and_come_back() is None
    cache_clock.move_on(60)
    cache.get("anything")
    assert go_and_come_back() == 4
    cache_clock.move_on(3600)
    cache.get("anything")
    assert go_and_come_back() is None


def test_a_connection_that_redis_closed_is_no_outage(redis: RedisServer, lines: list[Any]) -> None:
    for it in (cache, shared()):
        it.set("key", 1)
        redis.close_connections()

        assert it.get("key") == 1
        redis.close_connections()
        assert it.incr("key") == 2

    assert lines == []


def test_a_pickle_in_redis_is_not_loaded(redis: RedisServer, tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "was run",)

    redis.admin.set(cache.make_key("key"), pickle.dumps(Touch()))

    assert cache.get("key") is None
    assert not (tmp_path / "was run").exists()


@pytest.mark.parametrize("garbage", [b"\x80\x05garbage", b"", b"\x80\x05cno.such.module\nThing\n.", "a list"])
def test_a_value_that_cannot_be_read_is_a_miss(redis: RedisServer, garbage: bytes | str) -> None:
    def corrupt() -> None:
        key = cache.make_key("key")
        redis.admin.delete(key)
        redis.admin.rpush(key, 1) if isinstance(garbage, str) else redis.admin.set(key, garbage)

    corrupt()
    assert cache.get("key", "a default") == "a default"
    assert cache.add("key", 1)
    corrupt()
    with pytest.raises(ValueError):
        cache.incr("key")
    assert cache.add("key", 1)
    assert cache.incr("key") == 2
    corrupt()
    cache.set("good", 1)
    assert cache.get_many(["key", "good"]) == {"good": 1}
    cache.set("key", 2)
    assert cache.get("key") == 2


def test_a_value_that_cannot_be_read_is_no_outage(redis: RedisServer, lines: list[Any]) -> None:
    redis.admin.set(caches["default"].make_key("key"), b"garbage")

    assert cache.get("key") is None

    [(level, message)] = lines
    assert (level, message.startswith("Removed"), "does not answer" in message) == ("WARNING", True, False)
