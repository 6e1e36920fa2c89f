#!/bin/sh

node server.js &
app=$!

# Forwards SIGTERM. That is all: the app may have something left to do.
trap 'kill -TERM "$app"' TERM

# A signal with a trap ends `wait`, while the app lives on: wait until it has gone.
wait "$app"
status=$?
while kill -0 "$app" 2>/dev/null; do
  wait "$app"
  status=$?
done

echo "Cleaned up"
exit "$status"
