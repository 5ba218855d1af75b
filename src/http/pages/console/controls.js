// Buttons, forms and dialogs.

import { h } from './dom.js';
import { dismiss, notify } from './toast.js';

export function field(label, input, properties = {}) {
  return h('label', properties, h('span', {}, label), input);
}

/** A select element. `options` are pairs of value and label. */
export function select(name, options, value = '') {
  const element = h('select', { name }, options.map(([value, label]) => h('option', { value }, label)));
  if (value !== '') element.value = value;
  return element;
}

/** A button that shows the error if `action` fails, and ignores clicks while `action` runs. */
export function button(label, action, properties = {}) {
  const element = h('button', { type: 'button', ...properties }, label);
  element.addEventListener('click', () => runBusy(element, action));
  return element;
}

/**
 * A form that calls `action` with its fields when it is submitted. With `latestWins` a submission while `action` runs is not
 * ignored: the latest one runs next.
 */
export function form(action, { latestWins, ...properties }, ...children) {
  const element = h('form', { autocomplete: 'off', ...properties }, ...children);
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    const submit = () => action(Object.fromEntries(new FormData(element)), element);
    runBusy(element.querySelector('button:not([type=button])') ?? element, submit, latestWins);
  });
  return element;
}

async function runBusy(element, action, latestWins = false) {
  if (element.ariaBusy === 'true') {
    if (latestWins) element.next = action;
    return;
  }
  element.ariaBusy = 'true';
  try {
    dismiss({ onlyErrors: true });
    await action();
  } catch (error) {
    notify(error.message, true);
  } finally {
    element.ariaBusy = null;
  }
  const { next } = element;
  element.next = undefined;
  if (next) await runBusy(element, next, latestWins);
}

/**
 * Opens a dialog with a title. `fill` gets a function that closes it, and returns its content. While the dialog is open,
 * messages appear inside it, because a modal dialog makes the rest of the page inert.
 */
export function openDialog(title, fill) {
  const toast = document.getElementById('toast');
  const toastParent = toast.parentNode;
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, h('h2', { id: 'dialog-title' }, title));
  dialog.append(fill(() => dialog.close()), toast);
  dialog.addEventListener('close', () => {
    toastParent.append(toast);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Asks before an action that cannot be undone, or that does much. `label` is that of the button that does it. */
export function ask(title, text, label, action) {
  openDialog(title, (close) => h('div', {}, h('p', {}, text), h('p', { class: 'buttons end' },
    button('Cancel', close, { autofocus: true }),
    button(label, async () => {
      await action();
      close();
    }, { class: 'danger' }))));
}

export function copyButton(text) {
  return button('Copy', async () => {
    await navigator.clipboard.writeText(text());
    notify('Copied.');
  });
}
