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
    if (contents === undefined) return this.admin('GET', 'world');
    const isFile = typeof contents === 'string' || contents instanceof URL;
    // The fake checks the text of the file, so that an error has its sentence.
    const text = isFile ? await readFile(contents, 'utf8') : JSON.stringify(contents);
    await this.#call('PUT', 'world', text).catch((error) => {
      throw isFile ? new Error(`the world file ${contents} has an error: ${error.message}`) : error;
    });
    return this.admin('GET', 'world');
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
    if (status >= 400) throw new Error(`${method} ${url.pathname}: ${status} ${JSON.parse(text).message}`);
    return text;
  }
}

/** @param {object} [query] */
function search(query) {
  return new URLSearchParams({ limit: '1000', ...query });
}

module.exports = { World };
