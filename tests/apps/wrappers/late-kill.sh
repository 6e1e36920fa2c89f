#!/bin/sh
# As late-kill.js, WAIT in seconds.
node server.js &
child=$!
trap 'kill -TERM "$child"; sleep "$WAIT"; kill -KILL "$child"; exit 1' TERM
wait "$child"
