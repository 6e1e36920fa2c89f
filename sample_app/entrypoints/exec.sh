#!/bin/sh
set -e

# Preparation goes here: wait for the database, render the configuration, ...

# exec: the app takes the place of this shell, and its PID.
exec "$@"
