ARG BASE
FROM ${BASE}

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app

COPY package*.json ./
RUN npm install

# dumb-init runs as this user too, so it may signal the app. The engine signals PID 1 as root.
USER node
COPY --chown=node:node . .

CMD ["dumb-init", "node", "server.js"]
