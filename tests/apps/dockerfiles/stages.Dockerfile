# Two stages on the base, and the second is what runs.
FROM node:24-alpine AS build
WORKDIR /app
COPY . .
RUN node -e 'require("fs").writeFileSync("built", "yes")'

FROM node:24-alpine
WORKDIR /app
COPY --from=build /app .
CMD node orders.js
