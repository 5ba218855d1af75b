// A list with cursor pagination. It adds new rows in batches, once a frame, and keeps a bounded number of rows in the document.

import { requestPage, stringify } from './api.js';
import { button } from './controls.js';
import { h } from './dom.js';
import { emptyState, failure } from './notice.js';

/** The number of rows in a request. */
export const PAGE = 50;

/** The number of rows in the document while new rows arrive at the top. */
const MAX_ROWS = 100;

/** Shows the rows of an element as cards where it is narrower than its columns need, which `data-needs` has in pixels. */
function chooseCards(element) {
  const scroll = element.querySelector('.scroll');
  element.classList.toggle('as-cards', element.clientWidth < Number(element.dataset.needs));
  if (scroll.scrollWidth <= scroll.clientWidth || element.classList.contains('as-cards')) return;
  // The contents are longer than usual.
  element.dataset.needs = scroll.scrollWidth + 1;
  element.classList.add('as-cards');
}

const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => chooseCards(target)));

/** Keeps an element with a table a table where so many columns fit, and cards elsewhere. */
export function fitColumns(element, columns) {
  element.dataset.needs = columns < 6 ? 560 : columns < 8 ? 740 : 100 * columns + 80;
  observer.observe(element);
}

/**
 * `columns` are a heading, a function from a row to the content of its cell, and a class of the cell. `key` is the name of the
 * row's id. `path` returns the route of the rows after an id, or of the first page if the id is undefined. `emptyText` returns
 * the text of the list without rows: it names the filter, if there is one. A row becomes a card where the columns do not fit.
 */
export class List {
  constructor({ label, columns, key, path, emptyText, rowClass, pageSize = PAGE }) {
    Object.assign(this, { label, columns, key, path, emptyText, rowClass, pageSize });
    this.rows = new Map();
    this.queue = [];
    // The roles are explicit, because the style of cards gives the rows a display that is not a table's.
    this.body = h('tbody', { role: 'rowgroup' });
    const head = h('tr', { role: 'row' }, columns.map(([heading]) => h('th', { role: 'columnheader', scope: 'col' }, heading || h('span', { class: 'hidden' }, 'Actions'))));
    const table = h('table', { role: 'table' }, h('caption', { class: 'hidden' }, label), h('thead', { role: 'rowgroup' }, head), this.body);
    this.scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label, hidden: true }, table);
    this.notice = h('div', { 'aria-live': 'polite' });
    this.more = button('More', () => this.load(this.nextPath));
    this.element = h('div', { class: 'list' }, this.notice, this.scroll, h('p', { class: 'more' }, this.more));
    this.more.hidden = true;
    fitColumns(this.element, columns.length);
  }

  /** Replaces all rows by the first page. A failure is shown in the list, with a button to try again. */
  async reload() {
    this.generation = {};
    this.arrived = [];
    await this.load(undefined, true);
  }

  async load(path, replace = false) {
    const generation = (this.generation ??= {});
    const page = await this.read(path ?? this.path(), generation);
    if (!page) return;
    const arrived = this.arrived ?? [];
    if (replace) {
      this.clear();
      this.arrived = undefined;
    }
    this.body.append(...page.rows.filter((row) => !this.rows.has(row[this.key])).map((row) => this.renderRow(row)));
    this.setNext(page.next);
    // The answer may lack the rows that arrived during the request.
    if (replace && arrived.length) this.prepend(arrived);
    this.isLoaded = true;
    this.updateVisibility();
  }

  /** A page, or undefined if it failed or a later reload made it obsolete. */
  async read(path, generation) {
    try {
      const page = await requestPage(path);
      return generation === this.generation ? page : undefined;
    } catch (error) {
      if (generation !== this.generation) return undefined;
      this.notice.replaceChildren(failure(this.label.split(',')[0], error, () => this.reload()));
      return undefined;
    }
  }

  setNext(path) {
    this.nextPath = path;
    this.more.hidden = !path;
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
    if (this.body.rows.length > MAX_ROWS) {
      while (this.body.rows.length > MAX_ROWS) this.remove(this.body.lastChild);
      this.setNext(this.path(this.body.lastChild.row[this.key]));
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
    const page = await this.read(this.path(), (this.generation ??= {}));
    if (!page) return;
    const keys = new Set(page.rows.map((row) => row[this.key]));
    for (const old of [...this.body.rows].slice(0, page.rows.length || undefined)) {
      if (!keys.has(old.row[this.key])) this.remove(old);
    }
    page.rows.forEach((row) => this.update(row));
    const added = page.rows.filter((row) => !this.rows.has(row[this.key]));
    if (added.length) this.prepend(added.reverse());
    this.isLoaded = true;
    this.updateVisibility();
  }

  remove(element) {
    this.rows.delete(element.row[this.key]);
    element.remove();
  }

  renderRow(row, extraClass = '') {
    const cells = this.columns.map(([heading, content, kind]) => h('td', { role: 'cell', 'data-label': heading, class: kind }, content(row)));
    const element = h('tr', { role: 'row', class: `${this.rowClass?.(row) ?? ''} ${extraClass}`.trim() || null }, cells);
    element.row = row;
    this.rows.set(row[this.key], element);
    return element;
  }

  updateVisibility() {
    const isEmpty = this.body.rows.length === 0;
    this.scroll.hidden = isEmpty;
    if (!isEmpty) chooseCards(this.element);
    if (this.isLoaded) this.notice.replaceChildren(...(isEmpty ? [emptyState(this.emptyText())] : []));
  }
}
