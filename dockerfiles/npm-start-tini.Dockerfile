ARG BASE
FROM ${BASE}

RUN command -v tini \
 || apk add --no-cache tini \
 || (apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*)

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# tini signals its child only, npm. An init does not make npm pass anything on.
CMD ["tini", "--", "npm", "start"]
