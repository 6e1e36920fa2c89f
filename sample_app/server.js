'use strict';

// The app under test: says hello over HTTP and logs every signal it receives.
// A signal is only logged, it ends nothing, unless SHUTDOWN_AFTER_MS is set.
//
//   PORT               where to listen (3000)
//   SHUTDOWN_AFTER_MS  shut down gracefully on SIGTERM, SIGINT, SIGHUP and SIGQUIT: take no new
//                      connections, answer the requests in flight, and leave this many
//                      milliseconds after the first signal (later, if a request still runs)
//   EXIT_AFTER_MS      leave by itself so many milliseconds after it listens
//   EXIT_CODE          the exit code of either (0)

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');

const PORT = numberFromEnv('PORT', 3000, 65535);
const SHUTDOWN_AFTER_MS = numberFromEnv('SHUTDOWN_AFTER_MS', undefined, 2 ** 31 - 1);
const EXIT_AFTER_MS = numberFromEnv('EXIT_AFTER_MS', undefined, 2 ** 31 - 1);
const EXIT_CODE = numberFromEnv('EXIT_CODE', 0, 255);

const UNCATCHABLE = ['SIGKILL', 'SIGSTOP'];
const ALIASES = ['SIGIOT', 'SIGPOLL', 'SIGUNUSED']; // of SIGABRT, SIGIO, SIGSYS
const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

let inFlight = 0;
let shuttingDown = false;
let timeIsUp = false;

const server = http.createServer((request, response) => {
  inFlight += 1;
  response.once('close', () => {
    inFlight -= 1;
    exitWhenDrained();
  });
  if (shuttingDown) response.setHeader('Connection', 'close');
  answer(request, response);
});

server.on('error', (error) => {
  fail(1, error.code === 'EADDRINUSE'
    ? `Port ${PORT} is taken: stop what listens there, or set PORT`
    : `Cannot listen on port ${PORT}: ${error.message}`);
});

// Handlers first, ready line last: who has read the line may send any signal.
for (const name of Object.keys(os.constants.signals)) {
  if (!UNCATCHABLE.includes(name) && !ALIASES.includes(name)) process.on(name, received);
}
server.listen(PORT, () => {
  log(`Listening on port ${server.address().port}`);
  if (EXIT_AFTER_MS !== undefined) setTimeout(leave, EXIT_AFTER_MS);
});

function received(name) {
  log(`Received signal: ${name}`);
  if (SHUTDOWN_AFTER_MS !== undefined && ENDING.includes(name)) shutDown();
}

function shutDown() {
  if (shuttingDown) return;
  shuttingDown = true;
  server.close();
  setTimeout(() => {
    timeIsUp = true;
    exitWhenDrained();
  }, SHUTDOWN_AFTER_MS);
}

function exitWhenDrained() {
  if (timeIsUp && inFlight === 0) leave();
}

function leave() {
  log('Shutdown complete');
  process.exit(EXIT_CODE);
}

// GET /            Hello, world
// GET /slow?ms=N   the same, N milliseconds later: a request in flight
// POST /hold       begins to answer at once, and ends once the request's body has come
function answer(request, response) {
  const [path, query] = request.url.split('?');
  const ms = path === '/slow' ? Number(new URLSearchParams(query).get('ms')) : 0;
  const send = (status, text) => {
    response.writeHead(status, { 'Content-Type': 'text/plain' });
    response.end(`${text}\n`);
  };

  if (path === '/hold') {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.flushHeaders();
    request.resume().once('end', () => response.end('Hello, world\n'));
  } else if (path !== '/' && path !== '/slow') send(404, 'Not found');
  else if (!(ms >= 0 && ms < 2 ** 31)) send(400, 'ms must be a number of milliseconds');
  else setTimeout(send, ms, 200, 'Hello, world');
}

// One line is one synchronous write, so that no line is torn, or lost when the process dies next.
// t is CLOCK_MONOTONIC in nanoseconds, read first.
function log(text) {
  const t = process.hrtime.bigint();
  const line = `${text} pid=${process.pid} ppid=${process.ppid} t=${t}\n`;
  for (;;) {
    try {
      return fs.writeSync(1, line);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error; // EAGAIN: the pipe is full, try again
    }
  }
}

function numberFromEnv(name, fallback, max) {
  const text = process.env[name];
  if (!text) return fallback;
  if (/^\d+$/.test(text) && Number(text) <= max) return Number(text);
  return fail(64, `${name} must be a whole number from 0 to ${max}, not "${text}"`);
}

function fail(exitCode, message) {
  fs.writeSync(2, `${message}\n`);
  process.exit(exitCode);
}
