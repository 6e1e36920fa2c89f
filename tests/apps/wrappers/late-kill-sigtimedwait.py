"""As late-kill.js, WAIT in seconds: it fetches its signals, and gives the app so long to end before it kills it."""

import os
import signal
import subprocess
import sys

child = subprocess.Popen(["node", "server.js"])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
number = signal.sigwait([signal.SIGTERM])
child.send_signal(number)
if signal.sigtimedwait([signal.SIGCHLD], float(os.environ["WAIT"])) is None:
    child.kill()
    sys.exit(1)
