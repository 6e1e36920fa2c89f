ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# PID 1 without a handler: the kernel drops what would end any other process.
# `docker stop` waits for the whole grace period, then sends SIGKILL.
CMD ["node", "no-handlers.js"]
