ARG BASE
FROM ${BASE}

COPY . .
RUN npm install

# The app itself is PID 1. The kernel takes no default action for PID 1:
# a signal the app has a handler for arrives, any other is dropped, SIGTERM included.
CMD ["node", "server.js"]
