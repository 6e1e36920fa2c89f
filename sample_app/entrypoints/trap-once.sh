#!/bin/sh
# As often seen: the trap forwards SIGTERM, but nothing waits for the app to finish.

"$@" &
app=$!
trap 'kill -TERM "$app"' TERM

# SIGTERM ends `wait` as well. The script runs off its end, and PID 1 takes the app with it.
wait "$app"
