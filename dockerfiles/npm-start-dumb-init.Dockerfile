ARG BASE
FROM ${BASE}

RUN command -v dumb-init \
 || apk add --no-cache dumb-init \
 || (apt-get update && apt-get install -y --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# dumb-init signals the whole process group by default: the app gets the signal, and so does npm.
# Where npm passes it on as well, the app gets it twice. Where npm dies of it, dumb-init sends what is
# left of the group a SIGTERM, leaves, and the container ends under the app.
CMD ["dumb-init", "npm", "start"]
