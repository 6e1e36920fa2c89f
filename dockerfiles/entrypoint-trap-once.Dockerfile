ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# The same with one `wait` too few: SIGTERM is forwarded, then the script ends. When PID 1 ends,
# the kernel kills the app: in the middle of its work, or before its handler has run.
ENTRYPOINT ["/usr/src/app/entrypoints/trap-once.sh"]
CMD ["node", "server.js"]
