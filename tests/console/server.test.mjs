// The console of a server: nobody is let in unasked.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, look, openBrowser, send, startServer } from './harness.mjs';

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
  await page.getByRole('button', { name: 'Open' }).click();
}

const section = (page, name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();

test('it asks for a token, forgets it with the tab, and has nothing of a fake', async (t) => {
  const page = await look(browser, t, url, { mayBeRefused: true });
  await page.getByText('Type the token of an administrator').waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
  await signIn(page, 'test-admin');
  await page.getByText('Token is invalid. It takes the token of an administrator.').waitFor();
  await signIn(page, server.admin);
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Try a send' }).count(), 0);
  const kept = await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length);
  assert.equal(kept, 0);
  await page.reload();
  await page.getByText('Type the token of an administrator').waitFor();
});

test('a token is made, used and revoked', async (t) => {
  const page = await look(browser, t, url);
  await signIn(page, server.admin);
  await section(page, 'Tokens');
  await page.getByLabel('Name').fill('crm');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const secret = await page.getByRole('region', { name: 'The secret' }).locator('code').innerText();
  assert.match(secret, /^surveyd_/);
  assert.equal((await send(url, secret, 1)).body.message, 'Sending surveys via external api is disabled');
  const row = page.getByRole('row', { name: /crm/ });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await row.getByRole('button', { name: 'Revoke: sure?' }).click();
  await page.getByText('crm is revoked').waitFor();
  assert.equal((await send(url, secret, 1)).status, 401);
  await row.getByText('revoked').waitFor();
});

test('who is shut out meanwhile sees no more', async (t) => {
  const secret = await server.run('token', 'create', '--name', 'guest', '--role', 'admin');
  const page = await look(browser, t, url, { mayBeRefused: true });
  await signIn(page, secret);
  await page.getByText('Live', { exact: true }).waitFor();
  const id = (await call(url, server.admin, 'GET', '/admin/tokens')).body.find(({ name }) => name === 'guest').id;
  // By a command, of which the server is told nothing.
  await server.run('token', 'revoke', String(id));
  await page.getByText('This token is good no more').waitFor();
});
