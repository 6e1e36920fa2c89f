# The first try. The base stands in for an untagged `FROM node`: whatever "latest" is today.
ARG BASE
FROM ${BASE}

COPY . .
RUN npm install

# Shell form, despite the quotes: Docker starts /bin/sh -c '"npm" "start"'.
# dash stays as PID 1 and drops the signal. BusyBox ash makes way, and npm becomes PID 1.
CMD "npm" "start"
