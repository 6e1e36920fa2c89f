#!/bin/sh
# Two apps, and SIGTERM to each once.
node server.js &
one=$!
node server.js &
other=$!
trap 'kill -TERM "$one" "$other"' TERM
while kill -0 "$one" 2>/dev/null; do wait "$one"; done
