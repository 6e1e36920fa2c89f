# The same file, one exact base: the tag now decides which shell and which npm get the signal.
ARG BASE
FROM ${BASE}

COPY . .
RUN npm install

CMD "npm" "start"
