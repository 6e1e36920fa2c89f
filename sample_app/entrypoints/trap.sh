#!/bin/sh
# The shell stays, but forwards SIGTERM and SIGHUP to the app.

"$@" &
app=$!
trap 'kill -TERM "$app"' TERM
trap 'kill -HUP "$app"' HUP

# A trapped signal ends `wait` with a status above 128 while the app lives on: wait again.
wait "$app"
status=$?
while [ "$status" -gt 128 ] && kill -0 "$app" 2>/dev/null; do
  wait "$app"
  status=$?
done
exit "$status"
