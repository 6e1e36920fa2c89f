ARG BASE
FROM ${BASE}

RUN command -v tini \
 || apk add --no-cache tini \
 || (apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# tini is PID 1 and signals its child, the app.
CMD ["tini", "--", "node", "server.js"]
