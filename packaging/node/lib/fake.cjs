'use strict';
// The fake that all worlds of this process share, or one for each answers file.

const childProcess = require('node:child_process');
const { accessSync, constants } = require('node:fs');
const path = require('node:path');
const { request } = require('./http.cjs');

const BIN = path.join(__dirname, '..', 'bin');
/** @type {Record<string, string>} */
const PACKAGED = { 'linux x64': 'linux-x86_64', 'linux arm64': 'linux-aarch64' };
const NOT_ON_WINDOWS = 'this package has no surveyd for Windows; run the fake in a container or WSL2 and set SURVEYD_URL \
to its address, or set SURVEYD to a binary';

/** @typedef {childProcess.ChildProcessWithoutNullStreams & { url?: string }} Fake */

/**
 * Where the fakes of this process are kept: on a module of Node, because Jest loads this module again for each test file.
 * What is kept is the child itself, and nothing of this module, so that nothing of a finished test file stays in memory.
 */
const shared = /** @type {Record<symbol, Fake | undefined>} */ (/** @type {unknown} */ (childProcess));

/** @type {Map<symbol, Promise<string>>} */
const pending = new Map();

/**
 * The address of the fake: `SURVEYD_URL`, or a fake that this process starts once for each answers file.
 *
 * @param {string} [answers] The path of its answers file.
 * @returns {Promise<string>} Without a slash at the end. Rejects with one sentence that says why there is no fake.
 */
function fakeUrl(answers) {
  const key = Symbol.for(`surveyd.fake ${answers ?? ''}`);
  const fake = shared[key];
  if (fake?.url && fake.exitCode === null && fake.signalCode === null) return Promise.resolve(fake.url);
  const known = pending.get(key);
  if (known) return known;
  const url = process.env.SURVEYD_URL ? check(process.env.SURVEYD_URL) : start(key, answers);
  const settled = url.finally(() => pending.delete(key));
  pending.set(key, settled);
  return settled;
}

/**
 * Makes sure that a fake answers at `url`.
 *
 * @param {string} url
 */
async function check(url) {
  let found;
  try {
    const { status, text } = await request('GET', new URL('/console.json', url));
    if (JSON.parse(text).fake) return url.replace(/\/+$/, '');
    found = 'is not a fake';
  } catch (error) {
    found = error instanceof SyntaxError ? 'is not a fake' : `does not answer: ${message(error)}`;
  }
  const hint = 'set it to the address of a `surveyd fake`, such as http://127.0.0.1:8080, or unset it';
  throw new Error(`SURVEYD_URL is ${url}, which ${found}; ${hint}`);
}

/**
 * The program to run. Without a binary it is the launcher, whose error says why there is none. With one, the launcher
 * would take longer than the fake itself, because it runs two programs to find the binary.
 */
function program() {
  const packaged = PACKAGED[`${process.platform} ${process.arch}`];
  const binary = process.env.SURVEYD || (packaged && path.join(BIN, packaged, 'surveyd'));
  try {
    accessSync(binary, constants.X_OK);
    return binary;
  } catch {
    return path.join(BIN, 'surveyd');
  }
}

/**
 * Starts a fake on a free port. It ends when its stdin is closed, which the system does when this process ends.
 *
 * @param {symbol} key Where it is kept.
 * @param {string} [answers]
 * @returns {Promise<string>}
 */
function start(key, answers) {
  const args = ['fake', '--listen', '127.0.0.1:0', '--exit-on-stdin-close'];
  if (answers !== undefined) args.push('--answers', answers);
  return new Promise((resolve, reject) => {
    /** @type {Fake} */
    const child = childProcess.spawn(program(), args);
    let [stdout, stderr] = ['', ''];
    child.stderr.on('data', (text) => (stderr += text));
    child.on('error', (error) => {
      // Windows cannot run the launcher.
      const reason = process.platform === 'win32' ? NOT_ON_WINDOWS : error.message;
      reject(new Error(`the fake did not start: ${reason}`));
    });
    child.on('close', (code, signal) => {
      const reason = stderr.trim().replace(/^surveyd: /, '') || `it ended with ${signal ?? `exit code ${code}`}`;
      reject(new Error(`the fake did not start: ${reason}`));
    });
    child.stdout.on('data', (text) => {
      stdout += text;
      child.url = /^ready url=(\S+)\n/m.exec(stdout)?.[1];
      if (!child.url) return;
      child.removeAllListeners();
      for (const output of [child.stdout, child.stderr]) output.removeAllListeners('data');
      child.stderr.pipe(process.stderr, { end: false });
      // Now the child and its pipes do not keep this process alive.
      for (const handle of [child, ...child.stdio]) /** @type {{ unref(): void }} */ (handle).unref();
      shared[key] = child;
      resolve(child.url);
    });
  });
}

/** @param {unknown} error */
function message(error) {
  return error instanceof Error ? error.message : String(error);
}

module.exports = { fakeUrl, message };
