"""As late-kill.js, WAIT in seconds, by a second thread that waits for that long on a lock (futex)."""

import os
import signal
import subprocess
import threading


def forward(number, _frame):
    child.send_signal(number)
    threading.Timer(float(os.environ["WAIT"]), kill).start()


def kill():
    child.kill()
    os._exit(1)


child = subprocess.Popen(["node", "server.js"])
signal.signal(signal.SIGTERM, forward)
while True:
    signal.pause()
