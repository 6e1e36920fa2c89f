ARG BASE
FROM ${BASE}

COPY . .
RUN npm install

# Exec form, a JSON array: no shell in between, on any base.
CMD ["node", "server.js"]
