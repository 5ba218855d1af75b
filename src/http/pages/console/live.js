// What happens, as it happens: `GET /admin/events`, read by hand, for an EventSource cannot show a token.

import { credentials, parse } from './api.js';

const listeners = new Map();
let stop = null;

/** Calls `listener` with every batch of an event: `{ count, rows }`. Yields what ends that. */
export function on(event, listener) {
  if (!listeners.has(event)) listeners.set(event, new Set());
  listeners.get(event).add(listener);
  return () => listeners.get(event).delete(listener);
}

function tell(event, data) {
  for (const listener of listeners.get(event) ?? []) listener(data);
}

/**
 * Begins to listen, and goes on through restarts of the server; `tellState` is told how it stands, in words. Where all that is
 * shown `isFresh` anyway, nobody is told to look again.
 */
export function begin(tellState, isFresh = false) {
  end();
  const control = new AbortController();
  stop = control;
  listen(control.signal, tellState, isFresh);
}

/** Listens no more. */
export function end() {
  stop?.abort();
  stop = null;
}

async function listen(signal, tellState, isFresh) {
  for (let wait = 250; !signal.aborted; wait = Math.min(2 * wait, 5000)) {
    try {
      const response = await fetch('/admin/events', { headers: credentials(), signal });
      if (response.status === 401 || response.status === 403) return tellState('refused');
      if (response.ok) {
        tell('connected');
        // What was there before may be gone: a fake's world can be put back.
        if (!isFresh) tell('begin');
        tellState('live');
        wait = 250;
        await read(response.body.pipeThrough(new TextDecoderStream()).getReader());
      }
    } catch {
      // The server went away, or this page did; what follows is the same.
    }
    if (signal.aborted) return;
    isFresh = false;
    tellState('lost');
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function read(reader) {
  let text = '';
  let isFirst = true;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block);
      const data = /^data: (.*)$/m.exec(block);
      if (event && data) tell(event[1], parse(data[1]));
      // Either ends a look at the file: with the first, all that was there before has been told.
      if (!isFirst || !(block === ':' || event?.[1] === 'committed')) continue;
      isFirst = false;
      tell('told');
    }
  }
}

/** A function that runs `act` at once and then, however often it is called, not more than once in so many milliseconds. */
export function atMost(ms, act) {
  let timer = null;
  let again = false;
  const run = () => {
    again = false;
    timer = setTimeout(() => {
      timer = null;
      if (again) run();
    }, ms);
    act();
  };
  return () => {
    if (timer === null) run();
    else again = true;
  };
}
