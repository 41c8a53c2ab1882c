// The search of the contents page: sections that have all words of the query; first those in whose heading they begin a word, then those in
// whose text they do.
'use strict';
const plain = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
const area = document.querySelector('.search');
const input = area.querySelector('input');
const list = area.querySelector('ol');
const most = 20; // that are shown
for (const s of sections) {
  s.head = plain(s.title + ' ' + s.heading);
  s.body = plain(s.text);
}
const begins = (text, word) => text.split(word).slice(0, -1).some(before => !/[\p{L}\p{N}]$/u.test(before));
const around = function (section, words) {
  const at = words.map(word => section.body.indexOf(word)).filter(k => k >= 0);
  const start = at.length === 0 ? 0 : Math.max(0, Math.min(...at) - 60);
  return (start > 0 ? '…' : '') + section.text.slice(start, start + 200) + (start + 200 < section.text.length ? '…' : '');
};
const search = function () {
  const words = plain(input.value).split(/\s+/).filter(word => word !== '');
  const rank = s => words.filter(word => begins(s.head, word)).length * (words.length + 1) + words.filter(word => begins(s.body, word)).length;
  const found = words.length === 0 ? [] : sections.filter(s => words.every(word => s.head.includes(word) || s.body.includes(word)));
  found.sort((a, b) => rank(b) - rank(a));
  list.replaceChildren(...found.slice(0, most).map(function (s) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = s.page;
    link.textContent = s.heading === s.title || s.heading === '' ? s.title : s.title + ' – ' + s.heading;
    const text = document.createElement('p');
    text.textContent = around(s, words);
    item.append(link, text);
    return item;
  }));
  if (words.length > 0 && found.length === 0) {
    const none = document.createElement('li');
    none.textContent = 'Nothing has these words.';
    list.append(none);
  }
};
input.addEventListener('input', search);
area.hidden = false;
search();
