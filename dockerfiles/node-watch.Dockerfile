ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# Restarts the app when a file changes: PID 1 is the watcher, the app is its child.
# The watcher passes on SIGINT and SIGTERM, and nothing else.
CMD ["node", "--watch", "server.js"]
