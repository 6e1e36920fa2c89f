// A server that lives on timers: a tick five times a second, a report each second. SIGTERM lets the next report be the last.
let leaving = false;
require("http").createServer((_, answer) => answer.end("ok\n")).listen(8080, () => console.log("ready"));
setInterval(() => {}, 200);
setInterval(() => {
  if (leaving) process.exit(0);
}, 1000);
process.on("SIGTERM", () => {
  leaving = true;
  console.log("leaving after this second");
});
