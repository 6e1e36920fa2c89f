#!/bin/sh
# The log goes through a pipe, and the shell stays above both.
node orders.js | cat
