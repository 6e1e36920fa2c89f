ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# More than one command for the shell. ash and bash still hand over to the last one, dash does not.
CMD echo starting && node server.js
