/**
 * Makes a world for one test: a database of its own in a fake, with the sample data. All worlds of this process share
 * one fake (for each answers file), which the first of them starts on a free port. It ends with this process.
 *
 * @param t The context that node:test or Vitest passes to the test. After the test the world is dropped. If the test
 *   failed, its output has the report of the world. Without `t` there is none, and the world lasts until the fake ends.
 * @throws One sentence that says why there is no fake, or what is wrong in the world file or the answers file.
 */
export function world(t?: TestContext | null, options?: Options): Promise<World>;

/** What `world` uses of the context of a test. Those of node:test and of Vitest fit. */
export interface TestContext {
  /** node:test: registers what is done after the test. */
  after?(done: () => Promise<void>): void;
  /** node:test: writes a line into the output of the test. */
  diagnostic?(line: string): void;
  /** node:test: whether the test passed. */
  readonly passed?: boolean;
  /** Vitest: registers what is done after the test. */
  onTestFinished?(done: () => Promise<void>): void;
  /** Vitest: the test and its result. */
  readonly task?: { readonly result?: { readonly state: string } };
}

export interface Options {
  /** What the world begins with instead of the sample: the path or `file:` URL of a world file, or its document. */
  world?: string | URL | object;
  /**
   * The path or `file:` URL of an answers file, which `surveyd verify --save` writes: the fake answers as it says. Each file
   * has a fake of its own. Not used with `SURVEYD_URL`.
   */
  answers?: string | URL;
}

/** A database of its own in a fake. Its methods reject with one sentence, which has the message of the fake. */
export interface World {
  /** The address of the fake, such as `http://127.0.0.1:41235`. */
  readonly url: string;
  /** The name of the world: the part of its tokens after `@`. */
  readonly name: string;
  /** A token that may send surveys in this world. */
  readonly token: string;

  /** The token of a user: `admin` may use `/admin`, `expired` gets 401, `wrongrole` gets 403. All others may send. */
  tokenOf(user: string): string;

  /** The sends of this world, oldest first, at most 1,000. With `wait` it waits for them. */
  sends(query?: SendsQuery): Promise<Send[]>;
  /** The calls of your code in this world with the state of each rule, oldest first, at most the last 1,000. */
  attempts(query?: AttemptsQuery): Promise<Attempt[]>;
  /** The attempts as text for people. Empty if nothing was asked. */
  report(): Promise<string>;

  /** Makes the next call to `/api/` fail. */
  fault(fault: Fault): Promise<void>;
  /** Reads the settings, or changes those that are given. */
  settings(changes?: Partial<Settings>): Promise<Settings>;
  /** Reads the clock of this world, or changes it. */
  clock(change?: ClockChange): Promise<Clock>;
  /** Creates or replaces a row, such as `put('clients', 7, { externalId: 'crm-7', name: 'Grace' })`, and returns it. */
  put(kind: 'channels' | 'clients' | 'threads' | 'forms', id: number, row: object): Promise<any>;
  /** Returns the contents of this world. Replaces them first if `contents` is given: a world file or its document. */
  world(contents?: string | URL | object): Promise<any>;
  /**
   * Calls any route of the administrator, such as `admin('DELETE', 'faults')`, and returns its JSON.
   *
   * @param path With or without `/admin/`, as in the `row` of a rule.
   */
  admin(method: string, path: string, body?: unknown): Promise<any>;
  /** Removes this world now. `world(t)` does it after the test. */
  drop(): Promise<void>;
}

/** Only sends that match all of these. */
export interface SendsQuery {
  /** The longest time to wait until `count` sends match, such as `5s`; at most `60s`. Then the list may be shorter. */
  wait?: string;
  /** The number of sends to wait for; 1 by default. */
  count?: number;
  /** Only sends with a greater `sendingId`. */
  after?: number;
  client?: number;
  thread?: number;
  form?: number;
}

export interface Send {
  sendingId: number;
  qualityFormId: number;
  threadId: number;
  clientId: number;
  clientExternalId: string | null;
  /** ISO 8601, in UTC. */
  sentAt: string;
  /** The name of the token, such as `test-crm`. */
  token: string;
  delivery: string;
}

/** Only attempts that match all of these. */
export interface AttemptsQuery {
  status?: number;
  client?: number;
  thread?: number;
  /** The `X-Request-Id` of the answer. */
  requestId?: string;
}

/** A call to `/api/`. Other fields: the admin API of surveyd. */
export interface Attempt {
  id: number;
  /** ISO 8601, in UTC. */
  at: string;
  requestId: string;
  method: string;
  uri: string;
  token: string | null;
  /** Null if a fault reset the connection. */
  status: number | null;
  message: string | null;
  clientId: number | null;
  threadId: number | null;
  qualityFormId: number | null;
  sendingId: number | null;
  rules: Rule[];
  [field: string]: unknown;
}

export interface Rule {
  rule: string;
  state: 'passed' | 'failed' | 'notReached';
  /** Of a failed rule: the route of the row to look at. */
  row?: string;
}

/** Choose one of `status`, `reset`, `truncate` and `after_commit`; `delay` may be alone or with one of them. */
export interface Fault {
  /** How many calls fail; 1 by default. */
  times?: number;
  /** The status of the answer, 400 to 599. Nothing is sent. */
  status?: number;
  /** The header `Retry-After` of this answer, in seconds. */
  retryAfter?: number;
  /** Milliseconds before the answer. */
  delay?: number;
  /** The connection is reset, and nothing is sent. */
  reset?: true;
  /** The answer ends in the middle of its body. The send is recorded. */
  truncate?: true;
  /** The connection is reset, although the send is recorded. */
  after_commit?: true;
  /** Only sends to this client, thread or form. */
  client?: number;
  thread?: number;
  form?: number;
  /** Another call below `/api/` instead of the send. */
  path?: string;
}

export interface Settings {
  /** Whether external programs may send surveys. */
  surveysViaExternalApi: boolean;
}

export type ClockChange =
  /** Moves the clock forward by a duration such as `PT2H`. */
  | { advance: string }
  /** Stops the clock at a time in ISO 8601. */
  | { now: string }
  /** The clock follows the system's again. */
  | { real: true };

export interface Clock {
  /** ISO 8601, in UTC. */
  now: string;
  /** Whether it is the system's. */
  real: boolean;
  /** Whether it runs. */
  ticking: boolean;
}
