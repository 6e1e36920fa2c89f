ARG BASE
FROM ${BASE}

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

# An absolute path: where the files are no longer depends on the base. Signals do not care.
WORKDIR /usr/src/app
COPY . .
RUN npm install

CMD ["dumb-init", "node", "server.js"]
