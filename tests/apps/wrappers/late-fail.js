// An app that logs the signal, and after WAIT ms fails: it exits 1 and never says that it is done.
const say = (text) => console.log(`${text} pid=${process.pid} ppid=${process.ppid} t=${process.hrtime.bigint()}`);
process.on("SIGTERM", (name) => {
  say(`Received signal: ${name}`);
  setTimeout(() => process.exit(1), Number(process.env.WAIT));
});
setInterval(() => {}, 1 << 30);
say("Listening on port 3000");
