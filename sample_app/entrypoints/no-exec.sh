#!/bin/sh
set -e

# Preparation goes here: wait for the database, render the configuration, ...

# No exec: the app is a child, and this shell stays between it and every signal.
"$@"
