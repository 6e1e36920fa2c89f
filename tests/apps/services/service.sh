#!/bin/sh
# A service in shell: a round each second, and on SIGTERM it says so and leaves.
trap 'echo "caught the signal, leaving"; exit 0' TERM
echo ready
while :; do
  sleep 1 &
  wait $!
done
