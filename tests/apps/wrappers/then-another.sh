#!/bin/sh
# Forwards SIGTERM, and SIGINT a little later.
node server.js &
child=$!
trap 'kill -TERM "$child"; sleep 0.2; kill -INT "$child"' TERM
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
