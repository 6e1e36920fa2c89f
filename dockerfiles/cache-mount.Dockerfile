# Needs BuildKit: the classic builder knows no --mount.
ARG BASE
FROM ${BASE}

ENV NODE_ENV=production

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app

# npm's download cache stays on the build host, not in the image. What runs is the same.
COPY package*.json ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --no-audit --no-fund

USER node
COPY --chown=node:node . .

EXPOSE 3000

CMD ["dumb-init", "node", "server.js"]
