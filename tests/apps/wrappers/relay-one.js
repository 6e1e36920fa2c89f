// Two workers, of which the first is sent SIGTERM and the other is not.
const cluster = require("cluster");
if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  process.on("SIGTERM", () => workers[0].process.kill("SIGTERM"));
} else require("./server.js");
