ARG BASE
FROM ${BASE}

RUN command -v tini \
 || apk add --no-cache tini \
 || (apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# -g signals the whole process group: npm, its shell and the app.
# npm passes SIGINT and SIGTERM on besides, so the app can get one signal twice.
CMD ["tini", "-g", "--", "npm", "start"]
