// A service that logs to a file and nothing else. SIGTERM drains and exits 0.
const say = (text) => require("fs").appendFileSync("/tmp/orders.log", `${text}\n`);
const server = require("http").createServer((_, answer) => answer.end("ok\n"));
server.listen(8080, () => say("up"));
process.on("SIGTERM", () => {
  say("draining");
  server.close(() => process.exit(0));
});
