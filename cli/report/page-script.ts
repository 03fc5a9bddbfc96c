/**
 * The script of the report's page: filters, order, and the details of an item when it is opened. It writes by
 * `textContent` only, so that nothing an item says becomes markup; it asks for nothing and stores nothing.
 */
export const pageScript = String.raw`
'use strict';
const list = document.getElementById('items');
const items = [...list.children];
const found = document.getElementById('found');
const search = document.getElementById('search');
const order = document.getElementById('order');
const groups = [...document.querySelectorAll('button[data-group]')];
let group = 'all';

function make(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
function add(parent, ...children) {
  parent.append(...children);
  return parent;
}
const texts = new WeakMap();
function textOf(item) {
  let text = texts.get(item);
  if (text === undefined) texts.set(item, (text = (item.firstElementChild.textContent + ' ' + item.dataset.kind).toLowerCase()));
  return text;
}
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items) {
    const fits = (group === 'all' || item.dataset.group === group) && words.every((word) => textOf(item).includes(word));
    item.hidden = !fits;
    if (fits) shown += 1;
  }
  found.textContent = shown === items.length ? items.length + ' items' : shown + ' of ' + items.length + ' items';
}
function sort() {
  const by = order.value;
  const sorted = by === 'failures' ? items : [...items].sort((one, other) => Number(other.dataset[by]) - Number(one.dataset[by]));
  list.replaceChildren(...sorted);
}
function choose(word) {
  group = word;
  for (const button of groups) button.setAttribute('aria-pressed', String(button.dataset.group === word));
  filter();
}
for (const button of groups) button.addEventListener('click', () => choose(button.dataset.group));
for (const button of document.querySelectorAll('button[data-search]')) {
  button.addEventListener('click', () => {
    search.value = button.dataset.search;
    choose('failed');
    document.getElementById('bar').scrollIntoView();
  });
}
search.addEventListener('input', filter);
order.addEventListener('change', sort);

function table(heading, rows, className) {
  const head = add(make('tr'), ...heading.map((word) => make('th', '', word)));
  const body = rows.map((cells) => add(make('tr', className), ...cells.map((cell) => (typeof cell === 'string' ? make('td', '', cell) : cell))));
  return add(make('div', 'scroll'), add(make('table'), head, ...body));
}
function verdict(ok, text) {
  return make('td', ok ? 'good' : 'bad', (ok ? '✓ ' : '✗ ') + text);
}
function drawChecks(body, checks, sum) {
  if (checks.length === 0 && !sum) return;
  body.append(make('h3', '', 'Checks'));
  for (const check of checks) {
    const line = add(make('div'), make('span', check.ok ? 'good' : 'bad', check.ok ? '✓ ' : '✗ '), make('b', '', check.gate), make('span', 'soft', '  ' + check.said));
    body.append(line);
    if (check.findings.length > 0) body.append(table(['place', 'code', 'message'], check.findings, 'finding'));
    if (check.left > 0) body.append(make('div', 'soft', '… and ' + check.left + ' more'));
  }
  if (sum) body.append(make('div', 'soft', sum));
}
const kinds = { '+': 'a', '-': 'r', '@': 'k', ' ': '', h: 'h', '\\': 'n' };
function drawFile(file) {
  const details = make('details', 'file');
  const summary = add(make('summary'), make('code', '', file.name), make('span', 'good', '  +' + file.insertions), make('span', 'bad', ' −' + file.deletions), make('span', 'soft', '  ' + file.note));
  const pre = make('pre', 'diff');
  details.append(summary, pre);
  details.addEventListener('toggle', () => {
    if (pre.hasChildNodes()) return;
    pre.append(...file.lines.map(([kind, text]) => make('span', kinds[kind], text)));
  });
  return details;
}
function drawDiff(body, data) {
  if (data.files.length === 0 && !data.cut) return;
  body.append(make('h3', '', 'Change'));
  const files = data.files.map(drawFile);
  body.append(...files);
  if (data.cut) body.append(make('div', 'soft', data.cut));
  const lines = data.files.reduce((sum, file) => sum + file.lines.length, 0);
  if (lines <= 400) for (const file of files) file.open = true;
}
function draw(item) {
  const body = item.lastElementChild;
  if (body.hasChildNodes()) return;
  const data = JSON.parse(document.getElementById('d' + item.id.slice(1)).textContent);
  const facts = make('dl', 'facts');
  for (const [name, value] of data.facts) facts.append(make('dt', '', name), make('dd', '', value));
  if (data.error) body.append(make('div', 'error', data.error));
  body.append(facts);
  drawChecks(body, data.checks, data.checkSum);
  drawDiff(body, data);
  if (data.steps.length > 0) {
    const rows = data.steps.map(([ok, kind, summary, time, cost]) => [verdict(ok, kind), summary, time, cost]);
    body.append(make('h3', '', 'Steps'), table(['step', 'what', 'time', 'cost'], rows));
  }
}
list.addEventListener('toggle', (event) => {
  if (event.target.open && event.target.classList.contains('item')) draw(event.target);
}, true);
function openTarget() {
  const item = document.getElementById(location.hash.slice(1));
  if (!item || !item.classList.contains('item')) return;
  if (item.hidden) { search.value = ''; choose('all'); }
  item.open = true;
  item.scrollIntoView({ block: 'start' });
}
window.addEventListener('hashchange', openTarget);
document.getElementById('bar').hidden = false;
filter();
openTarget();
`;
