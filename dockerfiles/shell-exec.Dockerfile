ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# Shell form for $VARIABLES, exec for signals: the shell makes way on every base.
CMD exec node server.js
