ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# A pipe needs a process on each side, and a shell that waits for both: no shell makes way here.
CMD node server.js | tee /tmp/app.log
