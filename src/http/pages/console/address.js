// The address of a view: `#section/id?filter=value`, so that a reload and a link show the same.

/** The section, the id of a row or an empty text, and the filters. */
export function readAddress() {
  const [path, text = ''] = location.hash.slice(1).split('?');
  const [section, ...rest] = path.split('/');
  let id = rest.join('/');
  try {
    id = decodeURIComponent(id);
  } catch {
    // Typed by hand. The view says that there is no such row.
  }
  return { section, id, filters: Object.fromEntries(new URLSearchParams(text)) };
}

/** The address as a link. */
export function href(section, id = '', filters = {}) {
  const set = Object.entries(filters).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const path = id === '' ? section : `${section}/${encodeURIComponent(id)}`;
  return `#${path}${set.length ? `?${new URLSearchParams(set)}` : ''}`;
}

/** Puts parameters into the address, without a new view. An empty one is left out; others stay. */
export function writeFilters(parameters) {
  const { section, id, filters } = readAddress();
  history.replaceState(null, '', href(section || 'sends', id, { ...filters, ...parameters }));
}
