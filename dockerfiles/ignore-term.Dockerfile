ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# The shell sets SIGTERM to "ignore", and children inherit that.
# node installs a handler over it, but the shell, PID 1, passes no signal on.
CMD trap '' TERM; node server.js; echo the app has ended
