// A service whose handler says so in its own words and exits with CODE after AFTER ms, by its own decision.
const server = require("http").createServer((_, answer) => answer.end("ok\n"));
server.listen(8080, () => console.log("ready"));
process.on("SIGTERM", () => {
  console.log("SIGTERM: leaving");
  setTimeout(() => process.exit(Number(process.env.CODE)), Number(process.env.AFTER));
});
