// A bar of filters. Its values are in the address, so that a reload and a link show the same rows.

import { writeFilters } from './address.js';
import { button, field, form, select } from './controls.js';
import { h } from './dom.js';

/**
 * `fields` are a name, a label, and either the options of a select or the properties of an input. `apply` is called after each
 * change; the values are in `values`, without those that are empty.
 */
export class Filters {
  constructor(fields, values, apply, ...others) {
    this.fields = fields;
    this.apply = apply;
    const inputs = fields.map(([name, label, kind = {}]) => {
      const input = Array.isArray(kind) ? select(name, kind) : h('input', { name, spellcheck: 'false', size: 10, ...kind });
      input.value = values[name] ?? '';
      return field(label, input);
    });
    this.element = form((data) => this.submit(data), { latestWins: true, class: 'bar', role: 'search', 'aria-label': 'Filter', onchange: () => this.element.requestSubmit() },
      inputs, h('button', {}, 'Filter'), others);
    this.read();
  }

  read() {
    const data = [...new FormData(this.element)].map(([name, value]) => [name, value.trim()]);
    this.values = Object.fromEntries(data.filter(([, value]) => value));
  }

  submit() {
    this.read();
    writeFilters(Object.fromEntries(this.fields.map(([name]) => [name, this.values[name]])));
    return this.apply();
  }

  /** The values as the server takes them: a day of the reader's zone becomes the time when it begins, or ends. */
  get parameters() {
    const moment = ([name, value]) => {
      if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return [name, value];
      const [year, month, day] = value.split('-').map(Number);
      return [name, new Date(year, month - 1, day + (name === 'until' ? 1 : 0)).toISOString()];
    };
    return Object.fromEntries(Object.entries(this.values).map(moment));
  }

  get isEmpty() {
    return Object.keys(this.values).length === 0;
  }

  /** The filter in words, such as `client 42 and form 3`. */
  get text() {
    const parts = this.fields.filter(([name]) => this.values[name]).map(([name, label, kind]) => {
      const option = Array.isArray(kind) ? kind.find(([value]) => value === this.values[name])?.[1] : this.values[name];
      return `${label.toLowerCase()} ${option}`;
    });
    return parts.join(' and ');
  }

  /** The text of a list that has no rows with this filter. */
  nothing(what) {
    return [`No ${what} match ${this.text}. `, button('Clear the filter', () => this.clear())];
  }

  clear() {
    for (const input of this.element.elements) if (input.name) input.value = '';
    return this.submit();
  }
}

/** The properties of an input for an id. */
export const ID = { inputmode: 'numeric', pattern: '\\s*-?[0-9]{1,19}\\s*', size: 8, title: 'An integer' };
