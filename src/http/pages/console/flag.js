// The switch for surveys via the external API, and who changed it last.

import { request } from './api.js';
import { button } from './controls.js';
import { h } from './dom.js';
import { on } from './live.js';
import { time } from './time.js';
import { notify } from './toast.js';

/** The switch also shows changes that others make. */
export function flag(settings) {
  let isOn = false;
  const label = h('span', {});
  const toggle = button([h('span', { class: 'knob', 'aria-hidden': 'true' }), label], async () => {
    const settings = await request('PATCH', '/admin/settings', { surveysViaExternalApi: !isOn });
    show(settings);
    notify(`Surveys via the external API are now ${settings.surveysViaExternalApi ? 'on' : 'off'}.`);
  }, { role: 'switch', 'aria-checked': 'false', 'aria-label': 'Surveys via external API' });
  const lastChange = h('small', {});
  const show = (settings) => {
    isOn = settings.surveysViaExternalApi;
    toggle.setAttribute('aria-checked', String(isOn));
    label.textContent = isOn ? 'Surveys on' : 'Surveys off';
  };
  const showLastChange = (row) => {
    if (row) lastChange.replaceChildren(`changed by ${row.who}, `, time(row.at));
    else lastChange.replaceChildren('no change recorded');
  };
  const start = async () => showLastChange((await request('GET', '/admin/audit?object=settings&before=end&limit=1'))[0]);
  const refresh = async () => {
    show(await request('GET', '/admin/settings'));
    await start();
  };
  show(settings);
  const unsubscribe = [
    on('resync', () => refresh().catch(() => {})),
    on('audit', ({ rows }) => {
      const row = rows.findLast((row) => row.object === 'settings');
      if (!row) return;
      show(row.after);
      showLastChange(row);
    }),
  ];
  return { element: h('div', { class: 'flag' }, toggle, lastChange), start, stop: () => unsubscribe.forEach((off) => off()) };
}
