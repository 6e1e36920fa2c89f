#!/bin/sh
# Something that wakes EVERY seconds beside an app that is PID 1.
( while :; do sleep "$EVERY"; done ) &
exec node server.js
