// What a user reads when something is set up wrongly, a fake that runs already, and `npx surveyd`.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(path.join(tmpdir(), 'surveyd-node-'));
after(() => rmSync(folder, { recursive: true }));

/** Writes a file into the temporary folder, and returns its path. */
function file(name, text) {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

/** What `world` says in a process with these variables. */
function errorOf(env, options = {}, platform = process.platform) {
  const code = `import { world } from 'surveyd';
    Object.defineProperty(process, 'platform', { value: '${platform}' });
    const made = world(null, ${JSON.stringify(options)});
    await made.then(() => console.log('no error'), (error) => console.log(error.message));`;
  const all = { ...process.env, SURVEYD: '', SURVEYD_URL: '', ...env };
  const child = spawnSync('node', ['--input-type=module', '--eval', code], { encoding: 'utf8', env: all });
  assert.equal(child.stderr, '');
  return child.stdout.trimEnd();
}

const URL_HINT = 'set it to the address of a `surveyd fake`, such as http://127.0.0.1:8080, or unset it';

test('no binary for this platform', () => {
  chmodSync(file('uname', '#!/bin/sh\necho Darwin arm64\n'), 0o755);
  assert.equal(
    errorOf({ PATH: `${folder}:${process.env.PATH}` }, {}, 'darwin'),
    'the fake did not start: this package has no surveyd for Darwin arm64; run the fake in a container or WSL2 ' +
      'and set SURVEYD_URL to its address, or set SURVEYD to a binary',
  );
});

test('a SURVEYD that does not exist', () => {
  assert.equal(
    errorOf({ SURVEYD: '/nowhere/surveyd' }),
    'the fake did not start: SURVEYD is /nowhere/surveyd, which is not a program; ' +
      'set it to the path of a surveyd binary, or unset it',
  );
});

test('a fake that does not start', () => {
  assert.equal(
    errorOf({ SURVEYD__LOG_REQUESTS: 'perhaps' }),
    'the fake did not start: the settings (settings.toml and the environment SURVEYD__…) cannot be used: ' +
      'invalid type: string "perhaps", expected a boolean for key `log_requests` in the environment',
  );
  assert.equal(errorOf({ SURVEYD: '/bin/false' }), 'the fake did not start: it ended with exit code 1');
});

test('a world file with an error', () => {
  const unknown = file('unknown.json', '{"threads":[{"id":1,"clientId":9,"channel":1,"status":"CLOSED"}]}');
  const start = `the world file ${unknown} has an error: threads[0]`;
  assert.equal(errorOf({}, { world: unknown }).slice(0, start.length), start);
  const cut = file('cut.json', '{"clients":[');
  assert.equal(
    errorOf({}, { world: cut }),
    `the world file ${cut} has an error: not JSON: EOF while parsing a list at line 1 column 12`,
  );
  assert.equal(
    errorOf({}, { world: '/nowhere.json' }),
    "the world file /nowhere.json cannot be read: ENOENT: no such file or directory, open '/nowhere.json'",
  );
});

test('an answers file with an error', () => {
  const unknown = file('answers.json', '{"version":1,"answers":{"clientNotFond":{"status":400}}}');
  const start = `the fake did not start: the answers file ${unknown} has an error: answers: no such case: "clientNotFond"`;
  assert.equal(errorOf({}, { answers: unknown }).slice(0, start.length), start);
});

test('a SURVEYD_URL that is not a fake', async (t) => {
  const serve = await surveyd(t, 'serve', '--listen', '127.0.0.1:0', '--database', path.join(folder, 'surveyd.db'));
  const url = serve.ready.split('url=')[1];
  assert.equal(errorOf({ SURVEYD_URL: url }), `SURVEYD_URL is ${url}, which is not a fake; ${URL_HINT}`);
  assert.equal(
    errorOf({ SURVEYD_URL: 'http://127.0.0.1:1' }),
    `SURVEYD_URL is http://127.0.0.1:1, which does not answer: connect ECONNREFUSED 127.0.0.1:1; ${URL_HINT}`,
  );
  assert.equal(
    errorOf({ SURVEYD_URL: 'localhost' }),
    `SURVEYD_URL is localhost, which does not answer: Invalid URL; ${URL_HINT}`,
  );
});

test('a running fake is used, and its worlds are dropped', async (t) => {
  const fake = await surveyd(t, 'fake', '--listen', '127.0.0.1:0');
  const url = fake.ready.split('url=')[1];
  const env = { ...process.env, SURVEYD: '/nowhere/surveyd', SURVEYD_URL: `${url}/` };
  delete env.NODE_TEST_CONTEXT;
  const suites = [
    ['--test', 'suites/node.test.mjs'],
    ['node_modules/vitest/vitest.mjs', 'run', '--config=vitest.config.mjs', 'suites'],
  ].map((args) => spawn('node', args, { env, stdio: 'ignore' }));
  // Both at once.
  assert.deepEqual(await Promise.all(suites.map((suite) => once(suite, 'exit'))), [[0, null], [0, null]]);
  const headers = { authorization: 'Bearer test-admin' };
  const worlds = await (await fetch(`${url}/admin/worlds`, { headers })).json();
  assert.deepEqual(worlds.map((world) => world.name), ['']);
});

test('the package runs nothing when it is installed, and needs no other', () => {
  const manifest = JSON.parse(readFileSync('node_modules/surveyd/package.json', 'utf8'));
  const { scripts, dependencies, optionalDependencies, peerDependencies } = manifest;
  const all = { scripts, dependencies, optionalDependencies, peerDependencies };
  for (const [kind, value] of Object.entries(all)) assert.equal(value, undefined, kind);
});

test('npx surveyd is the binary', async (t) => {
  const run = (args, options) => spawnSync('npx', ['surveyd', ...args], { encoding: 'utf8', ...options });
  const { version } = JSON.parse(readFileSync('node_modules/surveyd/package.json', 'utf8'));
  assert.equal(run(['--version']).stdout, `surveyd ${version}\n`);
  assert.equal(version, process.env.VERSION);

  const unknown = run(['fake', '--nonsense', 'a b']);
  assert.deepEqual([unknown.status, unknown.stdout], [2, '']);
  assert.match(unknown.stderr, /^error: unexpected argument '--nonsense' found/);

  const piped = run(['fake', '--listen', '127.0.0.1:0', '--exit-on-stdin-close'], { input: '' });
  assert.match(piped.stdout, /^ready url=http:\/\/127\.0\.0\.1:\d+\n$/);
  assert.deepEqual([piped.status, piped.stderr], [0, '']);

  const signalled = await surveyd(t, 'fake', '--listen', '127.0.0.1:0');
  signalled.kill('SIGTERM');
  assert.deepEqual(await once(signalled, 'exit'), [0, null]);
});

/** Runs `surveyd` of the package until the end of the test. `ready` is the first line of its stdout. */
async function surveyd(t, ...args) {
  const child = spawn('node_modules/.bin/surveyd', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const [ready] = await once(child.stdout, 'data');
  return Object.assign(child, { ready: String(ready).trim() });
}
