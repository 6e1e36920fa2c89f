"""As late-kill.js, WAIT in seconds, by alarm(2): a timer that /proc does not show."""

import os
import signal
import subprocess
import sys


def forward(number, _frame):
    child.send_signal(number)
    signal.setitimer(signal.ITIMER_REAL, float(os.environ["WAIT"]))


def kill(*_):
    child.kill()
    sys.exit(1)


child = subprocess.Popen(["node", "server.js"])
signal.signal(signal.SIGTERM, forward)
signal.signal(signal.SIGALRM, kill)
while True:
    signal.pause()
