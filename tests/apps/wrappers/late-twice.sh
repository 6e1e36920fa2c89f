#!/bin/sh
# As late-twice.js, WAIT in seconds.
node server.js &
child=$!
trap 'kill -TERM "$child"; sleep "$WAIT"; kill -TERM "$child"' TERM
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
