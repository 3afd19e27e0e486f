"""Celery's settings (https://docs.celeryq.dev/en/stable/userguide/configuration.html), made from Django's."""

from pathlib import Path
from typing import Any

from django.conf import settings
from kombu import Queue

from common.tasks import KEEP, QUEUES
from conveyor import queue_files, queue_redis

imports = (
    "accounts.tasks",
    "conveyor.doctor.workers",
    "droplets.tasks",
    "droplets.actions.emails",
    "droplets.jobs.tasks",
    "droplets.watchers.tasks",
)

broker_transport_options: dict[str, Any]
if settings.REDIS_URL:
    queue_redis.register()
    broker_url = settings.REDIS_URL
    broker_transport_options = {
        "global_keyprefix": f"{settings.CACHES['default']['KEY_PREFIX']}:queue:",
        "queue_order_strategy": "priority",  # in the order of task_queues
        "visibility_timeout": 600,  # seconds after which the message of a worker that was killed comes again
        # A page that sends a message must not wait for a Redis that is away. By default Celery would try for 6 s.
        "socket_connect_timeout": 1.0,
        "socket_timeout": 2.0,
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0,
    }
else:
    broker_url = f"{queue_files.SCHEME}://localhost//"
    _directory = Path(settings.QUEUE_DIR)
    _directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    broker_transport_options = {
        "data_folder_in": str(_directory),
        "data_folder_out": str(_directory),
        "control_folder": str(_directory / "control"),
        "polling_interval": 0.05,
    }
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a worker waits for its broker, however long that takes

# A queue for each kind of work. What people wait for comes first.
task_queues = [Queue(name) for name in QUEUES]
task_default_queue = KEEP
task_serializer = "json"
accept_content = ["json"]
task_ignore_result = True
task_publish_retry = False  # a row whose message was not sent is found by the next sweep
task_acks_late = True
task_soft_time_limit = 120  # seconds; tasks do a part at a time, well below that
task_time_limit = 150
worker_consumer = "conveyor.celery_consumer:Consumer"
worker_prefetch_multiplier = 1
worker_max_tasks_per_child = 2000
worker_enable_remote_control = False  # fewer messages, and nobody in Redis can stop a worker
worker_send_task_events = False
enable_utc = True

# The scheduler keeps no file: what is due is in the database. Two schedulers do nothing twice.
beat_scheduler = "conveyor.celery_beat:Scheduler"
beat_schedule: dict[str, dict[str, Any]] = {
    "follow-actions": {"task": "droplets.follow_actions", "schedule": 5.0},
    "watch-teams": {"task": "droplets.watch_teams", "schedule": 20.0},
    "advance-jobs": {"task": "droplets.advance_jobs", "schedule": 5.0},
    "refresh-tokens": {"task": "accounts.refresh_tokens", "schedule": 60.0},
    "send-revocations": {"task": "accounts.send_revocations", "schedule": 60.0},
    "store-leftovers": {"task": "accounts.store_leftovers", "schedule": 60.0},
    "expire-resets": {"task": "accounts.expire_resets", "schedule": 3600.0},
    "send-incident-emails": {"task": "accounts.send_incident_emails", "schedule": 60.0},
    "send-due-messages": {"task": "droplets.send_due_messages", "schedule": 15.0},
    "send-due-emails": {"task": "droplets.send_due_emails", "schedule": 60.0},
    "evaluate-watchers": {"task": "droplets.evaluate_watchers", "schedule": 60.0},
    "delete-old-messages": {"task": "droplets.delete_old_messages", "schedule": 3600.0},
    "delete-old-rows": {"task": "accounts.delete_old_rows", "schedule": 3600.0},
    "delete-old-actions": {"task": "droplets.delete_old_actions", "schedule": 3600.0},
    "delete-old-changes": {"task": "droplets.delete_old_changes", "schedule": 3600.0},
}
for _entry in beat_schedule.values():
    # What a worker could not do in time is due again anyway: messages must not pile up while no worker runs. A minute
    # at least, because the clocks of two machines differ.
    _entry["options"] = {"expires": max(_entry["schedule"], 60.0)}
