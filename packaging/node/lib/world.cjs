'use strict';

const { randomUUID } = require('node:crypto');
const { readFile } = require('node:fs/promises');
const { message } = require('./fake.cjs');
const { request } = require('./http.cjs');

/** @import * as api from '../index.js' */

/** @implements {api.World} */
class World {
  /** The name is new, also among other processes that use the same fake. @param {string} url */
  constructor(url) {
    this.url = url;
    this.name = randomUUID();
    this.token = this.tokenOf('crm');
  }

  /** @param {string} user */
  tokenOf(user) {
    return `test-${user}@${this.name}`;
  }

  /** @param {api.SendsQuery} [query] */
  sends(query) {
    return this.admin('GET', `sends?${search(query)}`);
  }

  /** @param {api.AttemptsQuery} [query] */
  attempts(query) {
    return this.admin('GET', `attempts?${search(query)}`);
  }

  report() {
    return this.#call('GET', `attempts?${search()}`, undefined, 'text/plain');
  }

  /** @param {api.Fault} fault */
  async fault(fault) {
    await this.admin('POST', 'faults', fault);
  }

  /** @param {Partial<api.Settings>} [changes] */
  settings(changes) {
    return this.admin(changes ? 'PATCH' : 'GET', 'settings', changes);
  }

  /** @param {api.ClockChange} [change] */
  clock(change) {
    return this.admin(change ? 'PUT' : 'GET', 'clock', change);
  }

  /** @param {string} kind @param {number} id @param {object} row */
  put(kind, id, row) {
    return this.admin('PUT', `${kind}/${id}`, row);
  }

  /** @param {object | string | URL} [contents] */
  async world(contents) {
    if (typeof contents === 'string' || contents instanceof URL) await this.#read(contents);
    else if (contents !== undefined) await this.admin('PUT', 'world', contents);
    return this.admin('GET', 'world');
  }

  /**
   * Replaces the contents by a world file. The fake checks its text, and says where it is wrong.
   *
   * @param {string | URL} file
   */
  async #read(file) {
    const text = await readFile(file, 'utf8').catch((error) => {
      throw new Error(`the world file ${file} cannot be read: ${message(error)}`);
    });
    await this.#call('PUT', 'world', text).catch((error) => {
      throw error.reason ? new Error(`the world file ${file} has an error: ${error.reason}`) : error;
    });
  }

  /** @param {string} method @param {string} path @param {unknown} [body] */
  async admin(method, path, body) {
    const text = await this.#call(method, path, body === undefined ? undefined : JSON.stringify(body));
    return text ? JSON.parse(text) : undefined;
  }

  async drop() {
    await this.admin('DELETE', 'world');
  }

  /**
   * @param {string} method
   * @param {string} path Below `/admin/`, or with it, as attempts name a row.
   * @param {string} [body] JSON.
   * @param {string} [accept]
   * @returns {Promise<string>} The body of the answer.
   */
  async #call(method, path, body, accept = 'application/json') {
    /** @type {Record<string, string>} */
    const headers = { authorization: `Bearer ${this.tokenOf('admin')}`, accept };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const url = new URL(path, `${this.url}/admin/`);
    const { status, text } = await request(method, url, headers, body).catch((error) => {
      throw new Error(`${method} ${url}: the fake does not answer: ${message(error)}`);
    });
    if (status < 400) return text;
    const reason = messageOf(text);
    throw Object.assign(new Error(`${method} ${url.pathname}: ${status} ${reason}`), { reason });
  }
}

/** @param {object} [query] */
function search(query) {
  return new URLSearchParams({ limit: '1000', ...query });
}

/** The message of an error. Something in between, such as a proxy, may answer without one. @param {string} text */
function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return text;
  }
}

module.exports = { World };
