// The event stream `GET /admin/events`, read with fetch, because an EventSource cannot send a token.
//
// Besides the events of the server, listeners get:
// - `connected`: a connection is open.
// - `resync`: rows may be missing; load the data again.
// - `caughtUp`: the earlier events of this connection are complete; further events are new.

import { local, parse } from './api.js';
import { credentials } from './session.js';

const listeners = new Map();
let connection = null;

/** Calls `listener` with every batch of an event: `{ count, rows }`. Returns a function that ends this. */
export function on(event, listener) {
  if (!listeners.has(event)) listeners.set(event, new Set());
  listeners.get(event).add(listener);
  return () => listeners.get(event).delete(listener);
}

function emit(event, data) {
  for (const listener of listeners.get(event) ?? []) listener(data);
}

/**
 * Connects, and reconnects after a restart of the server. `setState` gets `live`, `lost` or `refused`. With `isFresh` the data
 * on the page was just loaded, so the first connection emits no `resync`.
 */
export function connect(setState, isFresh = false) {
  disconnect();
  connection = new AbortController();
  listen(connection.signal, setState, isFresh);
}

export function disconnect() {
  connection?.abort();
  connection = null;
}

async function listen(signal, setState, isFresh) {
  for (let wait = 250; !signal.aborted; wait = Math.min(2 * wait, 5000)) {
    try {
      const response = await fetch(local('/admin/events'), { headers: credentials(), signal });
      if (response.status === 401 || response.status === 403) return setState('refused');
      if (response.ok) {
        emit('connected');
        // Rows may also have disappeared: the world of a fake can be reset.
        if (!isFresh) emit('resync');
        setState('live');
        wait = 250;
        await read(response.body.pipeThrough(new TextDecoderStream()).getReader());
      }
    } catch {
      // The server closed the connection, or this page did. Both are handled below.
    }
    if (signal.aborted) return;
    isFresh = false;
    setState('lost');
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function read(reader) {
  let text = '';
  let isCaughtUp = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block);
      const data = /^data: (.*)$/m.exec(block);
      if (event && data) emit(event[1], parse(data[1]));
      // The server ends each read of the database with one of these. The first read contains the earlier events.
      if (isCaughtUp || !(block === ':' || event?.[1] === 'committed')) continue;
      isCaughtUp = true;
      emit('caughtUp');
    }
  }
}

/** Returns a function that runs `action` at once, and then at most once in `ms` milliseconds, however often it is called. */
export function throttle(ms, action) {
  let timer = null;
  let isPending = false;
  const run = () => {
    isPending = false;
    timer = setTimeout(() => {
      timer = null;
      if (isPending) run();
    }, ms);
    action();
  };
  return () => {
    if (timer === null) run();
    else isPending = true;
  };
}
