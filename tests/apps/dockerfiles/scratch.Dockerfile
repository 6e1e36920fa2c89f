# No image to exchange: there is none below it.
FROM scratch
COPY . .
CMD ["/service"]
