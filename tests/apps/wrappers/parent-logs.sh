#!/bin/sh
# Says that it received the signal, in a line without a pid, and forwards nothing.
node server.js &
child=$!
trap 'echo "Received signal: SIGTERM"' TERM
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
