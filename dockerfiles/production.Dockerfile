ARG BASE
FROM ${BASE}

# For the app and its libraries. No signal changes its course.
ENV NODE_ENV=production

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app

# Exactly what the lock file says, without the development dependencies.
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund

USER node
COPY --chown=node:node . .

CMD ["dumb-init", "node", "server.js"]
