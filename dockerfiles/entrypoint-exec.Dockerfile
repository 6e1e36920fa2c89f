ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# The same script with `exec "$@"` at its end: the app becomes PID 1.
ENTRYPOINT ["/usr/src/app/entrypoints/exec.sh"]
CMD ["node", "server.js"]
