#!/bin/sh
set -e

# Writes the configuration. The app cannot do without.
echo "greeting=hello" > app.conf
echo "Prepared"

# Becomes what CMD says: the app takes the place of this shell, and its PID 1.
exec "$@"
