/** The code under test: sends a form to a client. After a 503 it tries once more. */
async function sendSurvey(url, token, clientId, formId) {
  const send = () =>
    fetch(`${url}/api/v1/quality/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: { type: 'internalClientId', id: clientId }, qualityFormId: formId }),
    });
  let response = await send();
  if (response.status === 503) response = await send();
  if (!response.ok) throw new Error((await response.json()).message);
}

module.exports = { sendSurvey };
