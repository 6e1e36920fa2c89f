ARG BASE
FROM ${BASE}

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app

# What changes rarely comes first: a change to the source leaves the install in the cache.
COPY package*.json ./
RUN npm install

COPY . .

CMD ["dumb-init", "node", "server.js"]
