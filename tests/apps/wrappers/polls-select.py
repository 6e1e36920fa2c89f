"""As polls-each-second.py, with select(2) and EVERY seconds."""

import os
import select
import signal
import subprocess

told = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
child = subprocess.Popen(["node", "server.js"])
while child.poll() is None:
    select.select([], [], [], float(os.environ["EVERY"]))
    while told:
        child.send_signal(told.pop())
