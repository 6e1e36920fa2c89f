// A slow drainer: it logs and exits AFTER ms after the signal, not before.
require("http").createServer((_, answer) => answer.end("ok\n")).listen(8080, () => console.log("ready"));
process.on("SIGTERM", () => {
  setTimeout(() => {
    console.log("SIGTERM handled");
    console.log("bye");
    process.exit(0);
  }, Number(process.env.AFTER));
});
