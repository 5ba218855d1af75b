// A test that never ends. It writes the ids of its process and of its fake into the file $STARTED.

const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { world } = require('surveyd');

module.exports = async (t) => {
  const edna = await world(t);
  await edna.sends();
  const fake = readFileSync('/proc/thread-self/children', 'utf8').trim();
  writeFileSync(`${process.env.STARTED}.part`, JSON.stringify({ test: process.pid, fake: Number(fake) }));
  renameSync(`${process.env.STARTED}.part`, process.env.STARTED);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
};
