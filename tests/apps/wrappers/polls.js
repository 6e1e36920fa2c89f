// PID 1 notes the signal and acts on it at the next of its rounds, every EVERY ms.
const told = [];
const child = require("child_process").spawn("node", ["server.js"], { stdio: "inherit" });
process.on("SIGTERM", (name) => told.push(name));
setInterval(() => told.splice(0).forEach((name) => child.kill(name)), Number(process.env.EVERY));
child.on("exit", (code) => process.exit(code ?? 1));
