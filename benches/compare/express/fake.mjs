import express from 'express';

const VARY = ['Origin', 'Access-Control-Request-Method', 'Access-Control-Request-Headers'];
const worlds = new Map();

function worldOf(request) {
  const token = request.get('Authorization');
  if (!worlds.has(token)) worlds.set(token, { on: true, sends: [] });
  return worlds.get(token);
}

function refusal(world, { clientId, qualityFormId }) {
  if (!world.on) return 'Sending surveys via external api is disabled';
  if (clientId.id === 2) return 'Client has open thread';
  if (clientId.id === 3) return `Cannot send form ${qualityFormId} to thread 4`;
}

const app = express().use(express.json());

app.post('/api/v1/quality/send', (request, response) => {
  const world = worldOf(request);
  const message = refusal(world, request.body);
  response.set('Vary', VARY);
  if (message) {
    const known = '{\r\n  "method" : "POST",\r\n  "uri" : "/api/v1/quality/send",\r\n  "code" : null,\r\n';
    response.status(409).type('json').send(`${known}  "message" : "${message}"\r\n}`);
  } else {
    world.sends.push(request.body);
    response.end();
  }
});
app.put('/flag', (request, response) => {
  worldOf(request).on = request.body.on;
  response.end();
});
app.get('/sends', (request, response) => response.json(worldOf(request).sends));

app.listen(Number(process.argv[2]), '127.0.0.1');
