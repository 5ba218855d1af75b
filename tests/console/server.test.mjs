// The console of `surveyd serve`, which needs a token.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, openBrowser, openPage, send, startServer } from './harness.mjs';

let server, browser, url;

before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  url = server.url;
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function signIn(page, token) {
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const openView = (page, name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();

test('the console of a server asks for a token, does not store it, and has no fake views', async (t) => {
  const page = await openPage(browser, t, url, { expectErrors: true });
  await page.getByText('Enter a token of role ADMIN').waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
  await signIn(page, 'test-admin');
  await page.getByText('Token is invalid. The console needs a token of role ADMIN.').waitFor();
  await signIn(page, server.admin);
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Try a send' }).count(), 0);
  const stored = await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length);
  assert.equal(stored, 0);
  await page.reload();
  await page.getByText('Enter a token of role ADMIN').waitFor();
});

test('a token can be created, used and revoked', async (t) => {
  const page = await openPage(browser, t, url);
  await signIn(page, server.admin);
  await openView(page, 'Tokens');
  await page.getByLabel('Name').fill('crm');
  await page.getByRole('button', { name: 'Create token' }).click();
  const secret = await page.getByRole('region', { name: 'Secret' }).locator('code').innerText();
  assert.match(secret, /^surveyd_/);
  assert.equal((await send(url, secret, 1)).body.message, 'Sending surveys via external api is disabled');
  const row = page.getByRole('row', { name: /crm/ });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await row.getByRole('button', { name: 'Confirm: Revoke' }).click();
  await page.getByText('Revoked crm.').waitFor();
  assert.equal((await send(url, secret, 1)).status, 401);
  await row.getByText('revoked').waitFor();
});

test('revoking a token signs out a page that uses it', async (t) => {
  const secret = await server.run('token', 'create', '--name', 'guest', '--role', 'admin');
  const page = await openPage(browser, t, url, { expectErrors: true });
  await signIn(page, secret);
  await page.getByText('Live', { exact: true }).waitFor();
  const id = (await call(url, server.admin, 'GET', '/admin/tokens')).body.find(({ name }) => name === 'guest').id;
  // A command revokes it in the database, without notifying the server.
  await server.run('token', 'revoke', String(id));
  await page.getByText('This token is no longer valid').waitFor();
});
