'use strict';

const http = require('node:http');

/**
 * Sends one request. Uses node:http and not `fetch`, which tests often replace and which some test environments lack.
 * The request has a connection of its own, which no proxy of the environment takes and which does not outlive the answer.
 *
 * @param {string} method
 * @param {URL} url
 * @param {Record<string, string>} [headers]
 * @param {string} [body]
 * @returns {Promise<{ status: number, text: string }>} Rejects if there is no complete answer.
 */
function request(method, url, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers, agent: false }, async (answer) => {
      try {
        let text = '';
        for await (const chunk of answer.setEncoding('utf8')) text += chunk;
        resolve({ status: answer.statusCode ?? 0, text });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject).end(body);
  });
}

module.exports = { request };
