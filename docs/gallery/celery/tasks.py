import time

from celery import Celery
from celery.signals import worker_ready

app = Celery("tasks", broker="memory://")


@app.task
def work():
    print("at work", flush=True)
    time.sleep(3)
    print("done", flush=True)


@worker_ready.connect
def ready(**_):
    work.delay()
