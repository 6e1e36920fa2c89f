ARG BASE
FROM ${BASE}

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# The app alone is signalled, not its process group. For a single process it makes no difference.
CMD ["dumb-init", "--single-child", "node", "server.js"]
