// The flag, as a switch that says who turned it last.

import { ask } from './api.js';
import { button, h, say, time } from './dom.js';
import { on } from './live.js';

/** The switch, as the settings have it; it follows whoever else turns it. */
export function flag(settings) {
  let isOn = false;
  const words = h('span', {});
  const toggle = button([h('span', { class: 'knob', 'aria-hidden': 'true' }), words], async () => {
    const settings = await ask('PATCH', '/admin/settings', { surveysViaExternalApi: !isOn });
    show(settings);
    say(`Surveys via the external API are ${settings.surveysViaExternalApi ? 'on' : 'off'} from now on.`);
  }, { role: 'switch', 'aria-checked': 'false', disabled: true, 'aria-label': 'Surveys via external API' });
  const by = h('small', {});
  const show = (settings) => {
    isOn = settings.surveysViaExternalApi;
    toggle.disabled = false;
    toggle.setAttribute('aria-checked', String(isOn));
    words.textContent = isOn ? 'Surveys on' : 'Surveys off';
  };
  const tell = (row) => {
    if (row) by.replaceChildren(`by ${row.who}, `, time(row.at));
    else by.replaceChildren('never turned here');
  };
  const begin = async () => tell((await ask('GET', '/admin/audit?object=settings&before=end&limit=1'))[0]);
  const refresh = async () => {
    show(await ask('GET', '/admin/settings'));
    await begin();
  };
  show(settings);
  const ends = [
    on('begin', () => refresh().catch(() => {})),
    on('audit', ({ rows }) => {
      const row = rows.findLast((row) => row.object === 'settings');
      if (!row) return;
      show(row.after);
      tell(row);
    }),
  ];
  return { element: h('div', { class: 'flag' }, toggle, by), begin, end: () => ends.forEach((end) => end()) };
}
