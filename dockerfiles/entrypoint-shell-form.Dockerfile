ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# Shell form again, one instruction higher up. CMD and the arguments of docker run are dropped,
# and the base's own entrypoint is gone.
ENTRYPOINT node server.js
