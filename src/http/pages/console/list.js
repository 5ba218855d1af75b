// A table with cursor pagination. It adds new rows in batches, once a frame, and keeps a bounded number of rows in the document.

import { request, stringify } from './api.js';
import { button, emptyState, h } from './dom.js';

/** The number of rows in a request. */
export const PAGE = 50;

/** The number of rows in the document while new rows arrive at the top. */
const MAX_ROWS = 100;

/**
 * `columns` are pairs of a heading and a function from a row to the content of its cell. `key` is the name of the row's id.
 * `path` returns the route of the rows after an id, or of the first page if the id is undefined. With `isComplete` there are
 * no further pages.
 */
export class List {
  constructor({ label, columns, key, path, emptyText, rowClass, isComplete = false }) {
    Object.assign(this, { columns, key, path, rowClass, isComplete });
    this.rows = new Map();
    this.queue = [];
    // The roles are explicit, because on a narrow screen the style gives the rows a display that is not a table's.
    this.body = h('tbody', { role: 'rowgroup' });
    const head = h('tr', { role: 'row' }, columns.map(([heading]) => h('th', { role: 'columnheader', scope: 'col' }, heading || h('span', { class: 'hidden' }, 'Actions'))));
    const caption = h('caption', { class: 'hidden' }, label);
    const table = h('table', { role: 'table' }, caption, h('thead', { role: 'rowgroup' }, head), this.body);
    this.scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, table);
    this.emptyState = emptyState(...[emptyText].flat());
    this.more = button('More', () => this.load(this.lastKey()));
    this.element = h('div', {}, this.emptyState, this.scroll, h('p', { class: 'more' }, this.more));
    this.more.hidden = true;
    this.updateVisibility();
  }

  /** Replaces all rows by the first page. */
  async reload() {
    this.generation = {};
    this.arrived = [];
    await this.load(undefined, true);
  }

  async load(after, replace = false) {
    const generation = (this.generation ??= {});
    const rows = await request('GET', this.path(after));
    // A later reload makes this answer obsolete.
    if (generation !== this.generation) return;
    const arrived = this.arrived ?? [];
    if (replace) {
      this.clear();
      this.arrived = undefined;
    }
    const added = rows.filter((row) => !this.rows.has(row[this.key]));
    this.body.append(...added.map((row) => this.renderRow(row)));
    this.more.hidden = rows.length < PAGE;
    // The answer may lack the rows that arrived during the request.
    if (replace && arrived.length) this.prepend(arrived);
    this.updateVisibility();
  }

  clear() {
    this.queue = [];
    this.rows.clear();
    this.body.replaceChildren();
  }

  /** Adds new rows, oldest first, at the top with the next frame. */
  prepend(rows) {
    this.arrived?.push(...rows);
    this.queue.push(...rows);
    if (this.queue.length > MAX_ROWS) this.queue.splice(0, this.queue.length - MAX_ROWS);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.flush();
    });
  }

  flush() {
    // An answer and an event may bring the same row.
    const fresh = new Map(this.queue.filter((row) => !this.rows.has(row[this.key])).map((row) => [row[this.key], row]));
    const added = [...fresh.values()].reverse();
    this.queue = [];
    // Only a few rows are highlighted: in a flood nobody would see it, and it would cost the most.
    const highlight = added.length < 10 ? 'new' : '';
    this.body.prepend(...added.map((row) => this.renderRow(row, highlight)));
    while (this.body.rows.length > MAX_ROWS) {
      this.remove(this.body.lastChild);
      this.more.hidden = this.isComplete;
    }
    this.updateVisibility();
  }

  /** Redraws a row that is in the document and has changed. A button in it keeps the focus. */
  update(row) {
    const old = this.rows.get(row[this.key]);
    if (!old || stringify(old.row) === stringify(row)) return;
    const focused = [...old.querySelectorAll('button')].indexOf(document.activeElement);
    old.replaceWith(this.renderRow(row));
    if (focused >= 0) this.rows.get(row[this.key]).querySelectorAll('button')[focused]?.focus();
  }

  /** Updates the first page in place, so that the reader does not lose the row or the button that they use. */
  async refresh() {
    const generation = (this.generation ??= {});
    const rows = await request('GET', this.path(undefined));
    if (generation !== this.generation) return;
    const keys = new Set(rows.map((row) => row[this.key]));
    for (const old of [...this.body.rows].slice(0, rows.length || undefined)) {
      if (!keys.has(old.row[this.key])) this.remove(old);
    }
    rows.forEach((row) => this.update(row));
    const added = rows.filter((row) => !this.rows.has(row[this.key]));
    if (added.length) this.prepend(added.reverse());
    this.updateVisibility();
  }

  remove(element) {
    this.rows.delete(element.row[this.key]);
    element.remove();
  }

  renderRow(row, extraClass = '') {
    const cells = this.columns.map(([heading, content]) => h('td', { role: 'cell', 'data-label': heading }, content(row)));
    const element = h('tr', { role: 'row', class: `${this.rowClass?.(row) ?? ''} ${extraClass}`.trim() || null }, cells);
    element.row = row;
    this.rows.set(row[this.key], element);
    return element;
  }

  lastKey() {
    return this.body.lastChild?.row[this.key];
  }

  updateVisibility() {
    this.emptyState.hidden = this.body.rows.length > 0;
    this.scroll.hidden = this.body.rows.length === 0;
  }
}
