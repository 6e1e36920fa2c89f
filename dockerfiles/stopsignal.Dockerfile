ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# What `docker stop` sends first. `docker kill --signal` sends what it is told, as ever.
STOPSIGNAL SIGQUIT
CMD ["node", "server.js"]
