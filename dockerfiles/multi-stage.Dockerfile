# Two flavours from one file: build with --target dev or --target production.
# Each stage has its own CMD, so each has to get its signals right by itself.
ARG BASE
FROM ${BASE} AS base

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app
COPY package*.json ./
EXPOSE 3000


FROM base AS dev
ENV NODE_ENV=development
RUN npm ci --no-audit --no-fund
USER node
COPY --chown=node:node . .
CMD ["dumb-init", "node", "server-dev.js"]


FROM base AS production
ENV NODE_ENV=production
RUN npm ci --omit=dev --no-audit --no-fund
USER node
COPY --chown=node:node . .
CMD ["dumb-init", "node", "server.js"]
