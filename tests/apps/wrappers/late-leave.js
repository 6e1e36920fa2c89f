// A wrapper as PID 1 that forwards the signal, and after WAIT ms leaves without waiting for the app.
const child = require("child_process").spawn("node", ["server.js"], { stdio: "inherit" });
process.on("SIGTERM", () => {
  child.kill("SIGTERM");
  setTimeout(() => process.exit(0), Number(process.env.WAIT));
});
