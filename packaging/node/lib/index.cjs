'use strict';

const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { fakeUrl } = require('./fake.cjs');
const { World } = require('./world.cjs');

/** @import * as api from '../index.js' */

const NOTHING = 'nothing was asked in this world: does the code use its token, and its URL?';

/** @type {typeof api.world} */
async function world(t, options = {}) {
  const { answers } = options;
  const made = new World(await fakeUrl(answers && path.resolve(answers instanceof URL ? fileURLToPath(answers) : answers)));
  // A test of Vitest knows its result before this hook, and calls `onTestFailed` only after it.
  t?.onTestFinished?.(() => end(made, t.task?.result?.state === 'fail', console.error));
  // A test of node:test. Older versions of Node than 20.12 do not tell whether it passed.
  // TAP escapes the end of a line, so each line is a diagnostic of its own.
  const diagnose = (/** @type {string} */ text) => text.split('\n').forEach((line) => t?.diagnostic?.(line));
  t?.after?.(() => end(made, t.passed === false, diagnose));
  if (options.world !== undefined) await made.world(options.world);
  return made;
}

/**
 * Drops a world after its test. If the test failed, writes first what was asked in the world.
 *
 * @param {World} made
 * @param {boolean} failed
 * @param {(text: string) => void} write
 */
async function end(made, failed, write) {
  if (failed) write((await made.report()).trim() || NOTHING);
  await made.drop();
}

module.exports = { world };
