#!/bin/bash
# The log goes through a pipe, and the app is PID 1: what reads the log is a child that was there before it.
exec node orders.js > >(exec cat)
