ARG BASE
FROM ${BASE}

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# --rewrite 15:3 turns SIGTERM into SIGQUIT on the way: the handler for SIGTERM never runs.
CMD ["dumb-init", "--rewrite", "15:3", "node", "server.js"]
