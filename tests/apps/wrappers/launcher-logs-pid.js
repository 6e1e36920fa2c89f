// A launcher that logs as the app does, with its own pid.
const child = require("child_process").spawn("node", ["server.js"], { stdio: "inherit" });
process.on("SIGTERM", (name) => {
  console.log(`Received signal: ${name} pid=${process.pid} ppid=${process.ppid} t=${process.hrtime.bigint()}`);
  child.kill(name);
});
