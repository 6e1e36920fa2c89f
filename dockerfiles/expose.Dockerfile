ARG BASE
FROM ${BASE}

ENV NODE_ENV=production

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app

COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund

USER node
COPY --chown=node:node . .

# A note in the image's metadata: it publishes no port, and changes nothing for signals.
EXPOSE 3000

CMD ["dumb-init", "node", "server.js"]
