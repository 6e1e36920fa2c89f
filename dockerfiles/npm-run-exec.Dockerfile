ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# The script says `exec node server.js`: npm's shell makes way for the app on every base.
# SIGINT and SIGTERM then arrive, if this npm passes them on. SIGHUP still ends at npm.
CMD ["npm", "run", "start:exec"]
