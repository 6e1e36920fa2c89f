#!/bin/sh
# A launcher that says what it does.
node server.js &
child=$!
trap 'echo "Received signal: SIGTERM, passing it to $child"; kill -TERM "$child"; echo "Received signal: SIGTERM (passed)"' TERM
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
