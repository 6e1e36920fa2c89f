// The same with a pid, its own.
require("child_process").spawn("node", ["server.js"], { stdio: "inherit" });
process.on("SIGTERM", (name) => console.log(`Received signal: ${name} pid=${process.pid} ppid=${process.ppid} t=1`));
