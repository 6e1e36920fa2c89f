ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# Run with --init: the engine puts its own init (tini, catatonit) in as PID 1, the app is its child.
CMD ["node", "server.js"]
