// Starts and loads all tools in alternating rounds, then prints two Markdown tables. `run` installs the packages and calls this.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import autocannon from 'autocannon';
import { check } from './checks.mjs';
import { PATH, processorSeconds, residentMib, start, stop, survey } from './process.mjs';
import { TOOLS } from './tools.mjs';

const STARTS = 5;
/** Rounds that are not counted, because just-in-time compilers still get faster. */
const WARM_UPS = 7;
const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 16;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const progress = (text) => process.stderr.write(`${text}\n`);

/** Loads a tool with sends to client 2. Returns the correct answers per second, and the cores that the tool used. */
async function load(tool, running) {
  const headers = { authorization: 'Bearer test-crm', 'content-type': 'application/json', ...tool.loadHeaders };
  const url = `http://127.0.0.1:${running.port}${PATH}`;
  const [before, own, began] = [processorSeconds(running), process.cpuUsage(), performance.now()];
  const request = { url, method: 'POST', headers, body: survey(2) };
  const measured = await autocannon({ ...request, connections: CONNECTIONS, duration: SECONDS });
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(own);
  const { 409: right, ...wrong } = measured.statusCodeStats;
  if (Object.keys(wrong).length > 0 || measured.errors > 0) {
    throw new Error(`${tool.name}: ${JSON.stringify(wrong)}, ${measured.errors} errors`);
  }
  const generator = (user + system) / 1e6 / seconds;
  return { rate: right.count / seconds, cores: (processorSeconds(running) - before) / seconds, generator };
}

/** The lines that a user has to write for a tool. */
function linesOf(tool) {
  if (!tool.folder) return 0;
  const folder = new URL(`../../benches/compare/${tool.folder}/`, import.meta.url);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const counts = files.map(({ parentPath, name }) => readFileSync(`${parentPath}/${name}`, 'utf8').split('\n').length - 1);
  return counts.reduce((total, count) => total + count, 0);
}

async function measure() {
  const results = new Map(TOOLS.map((tool) => [tool, { starts: [], loads: [] }]));
  for (let round = 0; round < STARTS; round += 1) {
    progress(`start ${round + 1} of ${STARTS}`);
    for (const [tool, result] of results) {
      const running = await start(tool);
      result.starts.push(running.ms);
      await stop(running);
    }
  }
  for (const [tool, result] of results) {
    result.running = await start(tool);
    result.checks = await check(tool, result.running);
    result.idle = residentMib(result.running);
  }
  const loaded = [...results].filter(([tool]) => tool.refuses !== false);
  for (let round = 1 - WARM_UPS; round <= ROUNDS; round += 1) {
    for (const [tool, result] of loaded) {
      const measured = await load(tool, result.running);
      progress(`load ${round} of ${ROUNDS}: ${tool.name} ${Math.round(measured.rate)}, generator ${measured.generator.toFixed(2)} cores`);
      if (round > 0) result.loads.push(measured);
    }
  }
  for (const [, result] of loaded) result.resident = residentMib(result.running);
  return results;
}

function print(headings, rows) {
  for (const row of [headings, headings.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
  console.log();
}

/** A figure, and its ratio to that of surveyd. Both are empty for a tool without the figure. */
function cells(figure, first, digits) {
  if (figure === undefined) return ['–', '–'];
  const shown = figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return [shown, (figure / first).toFixed(figure < first ? 2 : 1)];
}

function table(results) {
  const figures = [...results].map(([tool, { starts, loads, idle, resident }]) => ({
    tool,
    ms: median(starts),
    rate: median(loads.map(({ rate }) => rate)),
    cores: median(loads.map(({ cores }) => cores)),
    idle,
    resident,
  }));
  const [first] = figures;
  const rows = figures.map(({ tool, ms, rate, cores, idle, resident }) => [
    `${tool.name} ${tool.version}`,
    linesOf(tool),
    ...cells(ms, first.ms, ms < 100 ? 1 : 0),
    ...cells(rate, first.rate, 0),
    cores?.toFixed(2) ?? '–',
    ...cells(idle, first.idle, 0),
    ...cells(resident, first.resident, 0),
  ]);
  const of = 'of surveyd';
  const memory = ['MiB idle', of, 'MiB after the load', of];
  print(['', 'lines to write', 'first answer, ms', of, '409s/s', of, 'cores', ...memory], rows);
}

function versions() {
  const { version } = JSON.parse(readFileSync('node_modules/autocannon/package.json'));
  const python = execFileSync('venv/bin/python', ['--version'], { encoding: 'utf8' }).trim();
  const java = execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  return `Node ${process.versions.node}, ${python}, ${java}, autocannon ${version}; ${cpus().length} cores`;
}

const results = await measure();
table(results);
const yesNo = (checks) => Object.values(checks).map((yes) => (yes ? 'yes' : 'no'));
const [{ checks }] = results.values();
print(['', ...Object.keys(checks)], [...results].map(([tool, result]) => [tool.name, ...yesNo(result.checks)]));
console.log('* returns 409 only on request by a header, which the code under test would have to send\n');
console.log(versions());
for (const { running } of results.values()) await stop(running);
