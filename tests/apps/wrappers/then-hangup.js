// Forwards SIGTERM, and WAIT ms later SIGHUP, on which the app shuts down, too.
const child = require("child_process").spawn("node", ["server.js"], { stdio: "inherit" });
process.on("SIGTERM", () => {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGHUP"), Number(process.env.WAIT));
});
