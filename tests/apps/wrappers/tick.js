// The app itself wakes every EVERY ms.
require("./server.js");
setInterval(() => {}, Number(process.env.EVERY));
