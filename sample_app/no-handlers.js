'use strict';

// The same hello, and not one signal handler: what the kernel and Node do on their own.
const http = require('node:http');

const port = Number(process.env.PORT || 3000);
const server = http.createServer((request, response) => response.end('Hello, world\n'));

server.listen(port, () => {
  const t = process.hrtime.bigint();
  console.log(`Listening on port ${port} pid=${process.pid} ppid=${process.ppid} t=${t}`);
});
