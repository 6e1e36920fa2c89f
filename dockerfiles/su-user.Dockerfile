ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# Dropping root with su. BusyBox su replaces itself with the app. The su of util-linux stays as
# PID 1: on SIGTERM it signals the app, waits two seconds, sends SIGKILL and leaves.
CMD ["su", "-s", "/bin/sh", "-c", "exec node server.js", "node"]
