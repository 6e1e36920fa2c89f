ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# A script prepares, then runs the app as its child. The script is PID 1 and drops every signal.
ENTRYPOINT ["/usr/src/app/entrypoints/no-exec.sh"]
CMD ["node", "server.js"]
