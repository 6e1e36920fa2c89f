#!/bin/sh
# No trap, and a line like a receipt with the right pid again and again.
echo "Listening on port 3000 pid=$$ ppid=0 t=0"
while :; do
  echo "Received signal: SIGTERM pid=$$ ppid=0 t=1"
  sleep 0.1
done
