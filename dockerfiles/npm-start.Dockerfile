# The experiment: does a signal sent to the container get past the shell and npm to the app?
ARG BASE
FROM ${BASE}

COPY . .
RUN npm install

# npm passes on SIGINT and SIGTERM, nothing else, and only to the `sh -c` that it starts itself.
CMD "npm" "start"
