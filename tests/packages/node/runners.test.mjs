// Each test runner as a process: what a failing test prints, and what is left when the runner is killed.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

const RUNNERS = {
  'node:test': ['--test', '--test-reporter=tap'],
  Vitest: ['node_modules/vitest/vitest.mjs', 'run', '--no-color', '--config=vitest.config.mjs'],
  Jest: ['node_modules/jest/bin/jest.js', '--runInBand', '--runTestsByPath'],
};
const OPEN_THREAD = '{"id":3,"clientId":2,"channel":1,"status":"ASSIGNED",\
"startTime":"2026-03-02T11:00:00.000Z","stateChangeTime":"2026-03-02T11:01:00.000Z"}';
/** What the tests of `failing/tests.mjs` print, in their order. */
const REPORT = [
  'POST /api/v1/quality/send -> 200',
  'POST /api/v1/quality/send -> 409 Cannot send form 1 to thread 4',
  '    formEnabled failed: /admin/forms/1 is {"id":1,"name":"Service quality","channels":[1]}, \
not enabled for channel 2',
  'POST /api/v1/quality/send -> 409 Client has open thread',
  `    noOpenThread failed: /admin/threads/3 is ${OPEN_THREAD}`,
  'nothing was asked in this world: does the code use its token, and its URL?',
];

// A runner that sees this variable takes itself for a child of node:test.
const { NODE_TEST_CONTEXT, ...env } = process.env;

test('node:test prints the report of a failing test', () => {
  const args = [...RUNNERS['node:test'], 'failing/node.test.mjs'];
  const { stdout, status } = spawnSync('node', args, { encoding: 'utf8', env });
  assert.equal(status, 1, stdout);
  const comments = stdout.match(/(?<=^# ).*/gm).filter((line) => !/^Subtest: |^[a-z_]+ [\d.]+$/.test(line));
  assert.deepEqual(comments, REPORT);
});

test('Vitest prints the report of a failing test', () => {
  const args = [...RUNNERS.Vitest, 'failing/vitest.test.mjs'];
  const { stderr, status } = spawnSync('node', args, { encoding: 'utf8', env });
  assert.equal(status, 1, stderr);
  const [printed] = stderr.split('⎯');
  const title = (name) => `stderr | failing/vitest.test.mjs > ${name}`;
  const expected = [title('refused'), ...REPORT.slice(0, -1), title('without its token'), ...REPORT.slice(-1)];
  assert.deepEqual(printed.split('\n').filter(Boolean), expected);
});

for (const [runner, args] of Object.entries(RUNNERS)) {
  test(`nothing is left of ${runner} after kill -9`, async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'surveyd-node-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const started = path.join(folder, 'started');
    const file = `hanging/${runner.split(':')[0].toLowerCase()}.test.${runner === 'Jest' ? 'cjs' : 'mjs'}`;
    const top = spawn('node', [...args, file], { stdio: 'ignore', env: { ...env, STARTED: started } });
    const pids = await until(() => JSON.parse(readFileSync(started, 'utf8')), 20_000);
    assert.ok(isRunning(pids.fake), 'the fake runs');
    // node:test and Vitest run a file in a process of its own, which goes on without the runner.
    for (const pid of new Set([top.pid, pids.test])) process.kill(pid, 'SIGKILL');
    await until(() => assert.ok(!isRunning(pids.fake), 'the fake still runs'), 1000);
  });
}

/** Whether there is such a process. One that has ended, and that its parent did not wait for, has no command line. */
function isRunning(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
}

/** What `attempt` returns once it does not throw. After `milliseconds`, what it throws. */
async function until(attempt, milliseconds) {
  const end = Date.now() + milliseconds;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await setTimeout(10);
  }
}
