ARG BASE
FROM ${BASE}
COPY app.js /app.js
CMD node /app.js; true
