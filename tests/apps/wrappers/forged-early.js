// No handler, and one line like a receipt, half a second after the start, whatever is sent.
console.log(`Listening on port 3000 pid=${process.pid} ppid=${process.ppid} t=0`);
setTimeout(() => console.log("Received signal: SIGTERM"), 500);
setInterval(() => {}, 1 << 30);
