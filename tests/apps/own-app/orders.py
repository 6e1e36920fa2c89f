"""The same in Python: without -u, and with output to a pipe, its lines come late or only at its end."""

import signal
import sys
import time


def stop(number, _frame):
    print("stopping on", signal.Signals(number).name)
    time.sleep(0.3)
    print("stopped")
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
print("ready")
while True:
    time.sleep(60)
