for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => console.log(`got ${name}`));
setInterval(() => {}, 1 << 30);
console.log(`ready pid=${process.pid}`);
