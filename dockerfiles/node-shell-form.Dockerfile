ARG BASE
FROM ${BASE}

COPY . .
RUN npm install

# npm is gone, the shell is not: PID 1 is /bin/sh -c '"node" "server.js"'.
# BusyBox ash replaces itself with node, so signals arrive. dash waits for node and drops them.
CMD "node" "server.js"
