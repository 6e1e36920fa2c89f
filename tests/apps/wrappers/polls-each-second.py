"""PID 1 notes the signal and acts on it when its poll times out, within a second, as supervisors do."""

import select
import signal
import subprocess

told = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
child = subprocess.Popen(["node", "server.js"])
poller = select.poll()
while child.poll() is None:
    poller.poll(1000)  # retried by Python after a handler ran (PEP 475), for what is left of the second
    while told:
        child.send_signal(told.pop())
