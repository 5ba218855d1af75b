// The tools: the command that starts each, and how a test switches the flag and reads the sends.
// `success` is the status of a tool that cannot answer 200. `refuses: false` marks a tool that never answers 409.

import { copyFileSync, readFileSync } from 'node:fs';

const NODE = process.execPath;
const WIREMOCK = 'node_modules/wiremock/build/wiremock-standalone-3.13.2.jar';

async function call(port, method, path, token, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}
const get = async (port, path, token) => (await call(port, 'GET', path, token)).json();
const clientOf = (text) => JSON.parse(text).clientId.id;

/** The two admin calls of the fakes that are written by hand. */
const byHand = {
  setFlag: (port, token, on) => call(port, 'PUT', '/flag', token, JSON.stringify({ on })),
  sends: async (port, token) => (await get(port, '/sends', token)).map((send) => send.clientId.id),
};

const npmVersion = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const pipVersion = (name) => new RegExp(`^${name}==(.*)$`, 'm').exec(readFileSync('requirements.txt', 'utf8'))[1];

export const TOOLS = [
  {
    name: 'surveyd',
    version: JSON.parse(readFileSync('openapi.json')).info.version,
    command: (port) => [process.env.SURVEYD, 'fake', '--listen', `127.0.0.1:${port}`],
    setFlag: (port, token, on) => {
      const settings = JSON.stringify({ surveysViaExternalApi: on });
      return call(port, 'PATCH', '/admin/settings', token.replace('crm', 'admin'), settings);
    },
    sends: async (port, token) => {
      const sends = await get(port, '/admin/sends', token.replace('crm', 'admin'));
      return sends.map((send) => send.clientId);
    },
  },
  {
    name: 'WireMock',
    folder: 'wiremock',
    version: npmVersion('wiremock'),
    // By default the journal keeps every request, some gigabytes under this load. A journal of 1,000 would slow WireMock down.
    command: (port) => [
      ...['java', '-jar', WIREMOCK, '--bind-address', '127.0.0.1', '--port', String(port), '--root-dir', 'wiremock'],
      ...['--disable-banner', '--max-request-journal-entries', '100'],
    ],
    // Adds a stub for the token of the test, which is matched before all others.
    setFlag: (port, token, on) => {
      const stub = JSON.parse(readFileSync('wiremock/flag-off.json', 'utf8').replace('test-crm', token));
      if (on) return call(port, 'POST', '/__admin/mappings/remove', token, JSON.stringify(stub));
      return call(port, 'POST', '/__admin/mappings', token, JSON.stringify(stub));
    },
    sends: async (port, token) => {
      const { requests } = await get(port, '/__admin/requests', token);
      const own = requests.filter(({ request }) => request.headers.Authorization === `Bearer ${token}`);
      return own.filter(({ response }) => response.status === 200).map(({ request }) => clientOf(request.body));
    },
  },
  {
    name: 'Mockoon',
    folder: 'mockoon',
    version: npmVersion('@mockoon/cli'),
    command: (port) => [
      ...[NODE, 'node_modules/@mockoon/cli/bin/run.js', 'start', '--data', 'mockoon/survey.json', '--port', String(port)],
      ...['--hostname', '127.0.0.1', '--disable-log-to-file', '--admin-api-token', 'test-admin'],
    ],
    setFlag: (port, token, on) => {
      const variable = { key: `off Bearer ${token}`, value: String(!on) };
      return call(port, 'POST', '/mockoon-admin/global-vars', 'test-admin', JSON.stringify(variable));
    },
    sends: async (port, token) => {
      const { value } = await get(port, '/mockoon-admin/data-buckets/sends', 'test-admin');
      return value.filter((send) => send.token === `Bearer ${token}`).map((send) => clientOf(send.body.string));
    },
  },
  {
    name: 'Prism*',
    version: npmVersion('@stoplight/prism-cli'),
    command: (port) => [
      ...[NODE, 'node_modules/@stoplight/prism-cli/dist/index.js', 'mock', 'openapi.json', '--port', String(port)],
      ...['--verboseLevel', 'error'],
    ],
    // Prism does not look at the client. A caller requests a refusal with a header.
    loadHeaders: { prefer: 'code=409, example=2' },
  },
  {
    name: 'json-server',
    folder: 'json-server',
    version: npmVersion('json-server'),
    prepare: () => copyFileSync('json-server/db.json', 'db.json'),
    command: (port) => [
      ...[NODE, 'node_modules/json-server/lib/cli/bin.js', 'db.json', '--routes', 'json-server/routes.json'],
      ...['--host', '127.0.0.1', '--port', String(port), '--quiet'],
    ],
    success: 201,
    refuses: false,
    sends: async (port, token) => (await get(port, '/send', token)).map((send) => send.clientId.id),
  },
  {
    name: 'Express by hand',
    folder: 'express',
    version: npmVersion('express'),
    command: (port) => [NODE, 'express/fake.mjs', String(port)],
    ...byHand,
  },
  {
    name: 'FastAPI by hand',
    folder: 'fastapi',
    version: pipVersion('fastapi'),
    command: (port) => [
      ...['venv/bin/uvicorn', 'fake:app', '--app-dir', 'fastapi', '--port', String(port)],
      ...['--no-access-log', '--log-level', 'warning'],
    ],
    ...byHand,
  },
];
