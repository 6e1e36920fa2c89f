// Starts the app anew whenever it exits.
const start = () => require("child_process").spawn("node", ["server.js"], { stdio: "inherit" }).on("exit", start);
start();
