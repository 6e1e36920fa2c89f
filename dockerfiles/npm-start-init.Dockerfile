ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# Run with --init: the engine's init is PID 1 and forwards each signal to npm.
# npm is no longer PID 1, so a signal it does not handle, such as SIGHUP, now kills it.
CMD ["npm", "start"]
