'use strict';
// The fake that all worlds of this process share.

const childProcess = require('node:child_process');
const { accessSync, constants } = require('node:fs');
const path = require('node:path');
const { request } = require('./http.cjs');

const BIN = path.join(__dirname, '..', 'bin');
/** @type {Record<string, string>} */
const PACKAGED = { 'linux x64': 'linux-x86_64', 'linux arm64': 'linux-aarch64' };
const NOT_ON_WINDOWS = 'this package has no surveyd for Windows; run the fake in a container or WSL2 and set SURVEYD_URL \
to its address, or set SURVEYD to a binary';

/**
 * Where the fake of this process is kept: on a module of Node, because Jest loads this module again for each test file.
 * It is the child itself, and nothing of this module, so that nothing of a finished test file stays in memory.
 */
const FAKE = Symbol.for('surveyd.fake');
/** @typedef {childProcess.ChildProcessWithoutNullStreams & { url?: string }} Fake */
const shared = /** @type {{ [FAKE]?: Fake }} */ (/** @type {unknown} */ (childProcess));

/** @type {Promise<string> | undefined} */
let pending;

/**
 * The address of the fake: `SURVEYD_URL`, or a fake that this process starts once.
 *
 * @returns {Promise<string>} Without a slash at the end. Rejects with one sentence that says why there is no fake.
 */
function fakeUrl() {
  const fake = shared[FAKE];
  if (fake?.url && fake.exitCode === null && fake.signalCode === null) return Promise.resolve(fake.url);
  pending ??= (process.env.SURVEYD_URL ? check(process.env.SURVEYD_URL) : start()).finally(() => (pending = undefined));
  return pending;
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
 * @returns {Promise<string>}
 */
function start() {
  return new Promise((resolve, reject) => {
    /** @type {Fake} */
    const child = childProcess.spawn(program(), ['fake', '--listen', '127.0.0.1:0', '--exit-on-stdin-close']);
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
      shared[FAKE] = child;
      resolve(child.url);
    });
  });
}

/** @param {unknown} error */
function message(error) {
  return error instanceof Error ? error.message : String(error);
}

module.exports = { fakeUrl, message };
