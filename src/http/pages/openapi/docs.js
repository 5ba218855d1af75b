// The search of the page, and the link to the console where this address has one.

const operations = [...document.querySelectorAll('main section')];
const entries = operations.map((section) => ({
  section,
  entry: document.querySelector(`nav a[href="#${section.id}"]`).parentElement,
  text: section.textContent.toLowerCase(),
}));
const input = document.getElementById('search');
const nothing = document.getElementById('nothing');

/** Shows the operations that have every word of the text. */
function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { section, entry, text } of entries) {
    const has = words.every((word) => text.includes(word));
    section.hidden = entry.hidden = !has;
    found += has;
  }
  for (const group of document.querySelectorAll('nav ul')) {
    const isEmpty = [...group.children].every(({ hidden }) => hidden);
    group.hidden = group.previousElementSibling.hidden = isEmpty;
  }
  for (const heading of document.querySelectorAll('main > h2[data-tag]')) {
    const sections = entries.filter(({ section }) => section.dataset.tag === heading.dataset.tag);
    heading.hidden = heading.nextElementSibling.hidden = sections.every(({ section }) => section.hidden);
  }
  nothing.hidden = found > 0;
  nothing.textContent = found ? '' : `No operation has “${input.value.trim()}”.`;
}

input.parentElement.hidden = false;
input.addEventListener('input', search);
addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target === input) return;
  event.preventDefault();
  input.focus();
  input.select();
});
// A link to an operation that the search has hidden shows it.
addEventListener('hashchange', () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target?.hidden) return;
  input.value = '';
  search();
  target.scrollIntoView();
});

const response = await fetch('console.json');
document.getElementById('console').hidden = !response.ok;
