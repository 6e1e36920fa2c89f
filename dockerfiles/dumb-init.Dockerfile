ARG BASE
FROM ${BASE}

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

COPY . .
RUN npm install

# dumb-init is PID 1, starts the app in a session of its own and signals that whole process group.
# With one process in the group, each signal arrives once.
CMD ["dumb-init", "node", "server.js"]
