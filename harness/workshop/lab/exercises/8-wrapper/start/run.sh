#!/bin/sh

node server.js &
app=$!

# Forwards SIGTERM, and cleans up.
stop() {
  kill -TERM "$app"
  echo "Cleaned up"
  exit 0
}
trap stop TERM

wait "$app"
echo "Cleaned up"
