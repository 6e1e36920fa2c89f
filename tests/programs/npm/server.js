// An Express app with a graceful shutdown as its documentation has it ("Health checks and graceful shutdown"), on a port
// and by one signal if they are given.
const express = require("express");

const [port = "8080", only] = process.argv.slice(2);
const app = express();
app.get("/", (_request, response) => response.send("hello"));
app.get("/slow", (_request, response) => setTimeout(() => response.send("hello"), 2500));
const server = app.listen(Number(port));
for (const signal of only ? [only] : ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => server.close(() => process.exit(0)));
}
