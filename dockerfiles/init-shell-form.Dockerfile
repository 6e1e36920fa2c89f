ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# Run with --init. The init signals its child: where that is a shell that stays (dash),
# the shell dies of the signal, the init leaves, and the app is killed.
CMD node server.js
