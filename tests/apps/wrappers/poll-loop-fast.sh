#!/bin/sh
# As poll-loop.sh, five times a second.
node server.js &
child=$!
trap 'kill -TERM "$child"' TERM
while kill -0 "$child" 2>/dev/null; do sleep 0.2; done
