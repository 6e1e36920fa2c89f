ARG BASE
FROM ${BASE}

WORKDIR /usr/src/app
COPY package*.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

# node runs the script itself, through a shell of its own, and passes no signal on.
CMD ["node", "--run", "start"]
