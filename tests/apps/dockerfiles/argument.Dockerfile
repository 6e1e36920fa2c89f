# The tag is an argument with a default, and the stage before says where it runs.
ARG VERSION=24-alpine
FROM --platform=$TARGETPLATFORM node:${VERSION} AS app
WORKDIR /app
COPY . .
CMD node orders.js
