ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# The script stays PID 1, traps SIGTERM and SIGHUP, forwards them, and waits for the app to end.
# Any other signal is dropped, but SIGINT: it ends a shell that waits, and the app with it.
ENTRYPOINT ["/usr/src/app/entrypoints/trap.sh"]
CMD ["node", "server.js"]
