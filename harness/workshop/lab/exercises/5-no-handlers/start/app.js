'use strict';

const http = require('node:http');

const server = http.createServer((request, response) => {
  // The answer begins at once, and ends when the whole request has come.
  response.flushHeaders();
  request.resume().once('end', () => response.end('Hello, world\n'));
});

server.listen(3000, () => log('Listening on port 3000'));

// One line to the log, with what the check wants to know of the process.
function log(text) {
  console.log(`${text} pid=${process.pid} ppid=${process.ppid}`);
}
