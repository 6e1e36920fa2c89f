#!/bin/sh
set -e

# Writes the configuration. The app cannot do without.
echo "greeting=hello" > app.conf
echo "Prepared"

# Starts what CMD says.
"$@"
