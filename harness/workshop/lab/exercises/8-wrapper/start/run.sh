#!/bin/sh

node server.js &
app=$!

# Hands SIGTERM on, and clears up.
stop() {
  kill -TERM "$app"
  echo "Cleaned up"
  exit 0
}
trap stop TERM

wait "$app"
echo "Cleaned up"
