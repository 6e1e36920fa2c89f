ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# No shell around npm, so npm is PID 1. Its own `sh -c` around the app remains.
# SIGINT and SIGTERM get as far as that shell. ash has made way for the app, so they arrive;
# dash keeps SIGINT to itself and dies of SIGTERM, npm leaves, and the app is killed.
CMD ["npm", "start"]
