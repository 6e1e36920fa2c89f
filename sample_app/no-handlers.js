'use strict';

// The same hello, and not one signal handler: what the kernel and Node do on their own.
//
//   EXIT_AFTER_MS, EXIT_CODE   as for server.js
const http = require('node:http');

const port = Number(process.env.PORT || 3000);
const server = http.createServer((request, response) => {
  response.flushHeaders(); // an answer begins at once, and ends when the whole request has come
  request.resume().once('end', () => response.end('Hello, world\n'));
});

server.listen(port, () => {
  const t = process.hrtime.bigint();
  console.log(`Listening on port ${port} pid=${process.pid} ppid=${process.ppid} t=${t}`);
  if (process.env.EXIT_AFTER_MS) setTimeout(leave, Number(process.env.EXIT_AFTER_MS));
});

function leave() {
  console.log('Shutdown complete');
  process.exit(Number(process.env.EXIT_CODE || 0));
}
