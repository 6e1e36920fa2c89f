#!/bin/sh
# Starts the app anew until it exits with 0.
until node server.js; do sleep 1; done
