// A table of rows by cursor: a page at a time, a bounded number in the document, batches once a frame.

import { ask, write } from './api.js';
import { button, empty, h } from './dom.js';

/** So many rows are asked for at once … */
export const PAGE = 50;

/** … and so many are in the document while others come in at the top. */
const MOST = 100;

/**
 * A list. `columns` are pairs of a heading and what makes a cell's content of a row; `key` is the name of a row's id;
 * `path` yields the route of the rows, given the id behind which to go on (undefined at the beginning); a list that
 * `isWhole` has no more than it shows.
 */
export class List {
  constructor({ label, columns, key, path, nothing, rowClass, isWhole = false }) {
    Object.assign(this, { columns, key, path, rowClass, isWhole });
    this.rows = new Map();
    this.waiting = [];
    // The roles are said because on a narrow screen the style makes of the rows what is no table any more.
    this.body = h('tbody', { role: 'rowgroup' });
    const head = h('tr', { role: 'row' }, columns.map(([heading]) => h('th', { role: 'columnheader', scope: 'col' }, heading || h('span', { class: 'hidden' }, 'More'))));
    const caption = h('caption', { class: 'hidden' }, label);
    const table = h('table', { role: 'table' }, caption, h('thead', { role: 'rowgroup' }, head), this.body);
    this.scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, table);
    this.nothing = empty(...[nothing].flat());
    this.more = button('More', () => this.load(this.last()));
    this.element = h('div', {}, this.nothing, this.scroll, h('p', { class: 'more' }, this.more));
    this.more.hidden = true;
    this.tell();
  }

  /** Forgets everything, and begins again. */
  async reload() {
    this.asked = {};
    this.since = [];
    await this.load(undefined, true);
  }

  async load(behind, anew = false) {
    const asked = (this.asked ??= {});
    const rows = await ask('GET', this.path(behind));
    // Whoever has asked for something else meanwhile does not want this any more.
    if (asked !== this.asked) return;
    const since = this.since ?? [];
    if (anew) {
      this.clear();
      this.since = undefined;
    }
    const fresh = rows.filter((row) => !this.rows.has(row[this.key]));
    this.body.append(...fresh.map((row) => this.show(row)));
    this.more.hidden = rows.length < PAGE;
    // What came in while the list was on its way may not be in it.
    if (anew && since.length) this.prepend(since);
    this.tell();
  }

  clear() {
    this.waiting = [];
    this.rows.clear();
    this.body.replaceChildren();
  }

  /** Rows that are new, the oldest first: they come in at the top with the next frame. */
  prepend(rows) {
    this.since?.push(...rows);
    this.waiting.push(...rows);
    if (this.waiting.length > MOST) this.waiting.splice(0, this.waiting.length - MOST);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.flush();
    });
  }

  flush() {
    const fresh = this.waiting.filter((row) => !this.rows.has(row[this.key])).reverse();
    this.waiting = [];
    // A few are marked for a moment; in a flood that would mark nothing, and cost the most.
    const mark = fresh.length < 10 ? 'new' : '';
    this.body.prepend(...fresh.map((row) => this.show(row, mark)));
    while (this.body.rows.length > MOST) {
      this.remove(this.body.lastChild);
      this.more.hidden = this.isWhole;
    }
    this.tell();
  }

  /** Shows a row anew, where it is in the document. */
  update(row) {
    const old = this.rows.get(row[this.key]);
    if (!old || write(old.row) === write(row)) return;
    const had = [...old.querySelectorAll('button')].indexOf(document.activeElement);
    old.replaceWith(this.show(row));
    if (had >= 0) this.rows.get(row[this.key]).querySelectorAll('button')[had]?.focus();
  }

  /** Brings the newest page up to date, in place: nobody who reads or presses a button there loses it. */
  async refresh() {
    const asked = (this.asked ??= {});
    const rows = await ask('GET', this.path(undefined));
    if (asked !== this.asked) return;
    const keys = new Set(rows.map((row) => row[this.key]));
    for (const old of [...this.body.rows].slice(0, rows.length || undefined)) {
      if (!keys.has(old.row[this.key])) this.remove(old);
    }
    rows.forEach((row) => this.update(row));
    const fresh = rows.filter((row) => !this.rows.has(row[this.key]));
    if (fresh.length) this.prepend(fresh.reverse());
    this.tell();
  }

  remove(element) {
    this.rows.delete(element.row[this.key]);
    element.remove();
  }

  show(row, also = '') {
    const cells = this.columns.map(([heading, content]) => h('td', { role: 'cell', 'data-label': heading }, content(row)));
    const element = h('tr', { role: 'row', class: `${this.rowClass?.(row) ?? ''} ${also}`.trim() || null }, cells);
    element.row = row;
    this.rows.set(row[this.key], element);
    return element;
  }

  last() {
    return this.body.lastChild?.row[this.key];
  }

  tell() {
    this.nothing.hidden = this.body.rows.length > 0;
    this.scroll.hidden = this.body.rows.length === 0;
  }
}
