// Shows what the worker has to tell, and tells it what the visitor wants.
'use strict';

const $ = id => document.getElementById(id);
const dark = matchMedia('(prefers-color-scheme: dark)');
const color = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

const shown = {
  data: new Float32Array(0), floor: null,
  picture: null, cells: 0,
  path: null, points: 0,
  losses: [], steps: 0, perSecond: 0,
};
let layers = 1, view = 4, brush = 0.15;
let training = false, drawing = false, failed = false;
let strokes = [], stroke = null, cursor = null;

const worker = new Worker('worker.js');
const tell = (kind, more) => worker.postMessage(Object.assign({kind}, more));

const answers = {
  ready(m) {
    ({layers, view, brush} = m);
    $('layers').textContent = layers;
    $('at').max = layers;
    $('at').value = layers;
    [...m.picks, 'Draw your own'].forEach((name, number) => {
      const label = document.createElement('label'), input = document.createElement('input'), text = document.createElement('span');
      Object.assign(input, {type: 'radio', name: 'pick', value: number, checked: number === 0});
      text.textContent = name;
      input.addEventListener('change', () => pick(number < m.picks.length ? number : -1));
      label.append(input, text);
      $('picks').append(label);
    });
    for (const id of ['play', 'at', 'reset']) $(id).disabled = false;
    pick(0);
  },
  data(m) {
    Object.assign(shown, m);
    $('train').disabled = m.data.length === 0;
    draw('data');
    draw('loss');
  },
  losses(m) {
    shown.losses.push(...m.losses);
    Object.assign(shown, {steps: m.steps, perSecond: m.perSecond});
    draw('loss');
  },
  pictures(m) {
    Object.assign(shown, {picture: m.picture, cells: m.cells, path: m.path, points: m.points});
    draw('density');
    draw('way');
  },
  ended() { setTraining(false, 'Done'); },
  failed(m) {
    failed = true;
    setTraining(false, 'It has stopped: ' + m.text);
  },
};
worker.onmessage = event => answers[event.data.kind](event.data);
worker.onerror = event => answers.failed({text: location.protocol === 'file:'
  ? 'opened from a file, a page may not start its worker; serve the folder'
  : event.message || 'the worker cannot be loaded'});

function setTraining(on, text) {
  training = on;
  $('train').textContent = on ? 'Pause' : 'Train';
  $('state').textContent = text;
  $('state').classList.toggle('bad', failed);
  if (failed) for (const e of document.querySelectorAll('button, input')) e.disabled = true;
}

// anew shows a flow that has learned nothing; training goes on if it was going on.
function anew() {
  Object.assign(shown, {losses: [], steps: 0, perSecond: 0});
  setTraining(training, training ? 'Training' : 'Ready');
}

function pick(number) {
  drawing = number < 0;
  document.body.classList.toggle('drawing', drawing);
  $('clear').hidden = !drawing;
  $('hint').textContent = drawing
    ? 'Draw with mouse or finger; or with the arrow keys, and the space bar for paint. You can draw while it trains.'
    : 'What the flow is to learn: it sees such points and nothing else.';
  if (drawing) $('data').tabIndex = 0;
  else $('data').removeAttribute('tabindex');
  chosen = number;
  begin();
}
let chosen = 0;

function begin() {
  if (drawing) {
    if (strokes.length === 0) empty();
    else tell('draw', {strokes, anew: true});
  } else tell('pick', {number: chosen});
  anew();
  if (training) tell('train');
}

// empty is the state without data.
function empty() {
  tell('draw', {strokes: [], anew: true});
  Object.assign(shown, {picture: null, path: null});
  training = false;
  for (const name of ['density', 'way']) draw(name);
}

$('train').addEventListener('click', () => {
  setTraining(!training, training ? 'Paused' : 'Training');
  tell(training ? 'train' : 'pause');
});
$('reset').addEventListener('click', begin);
$('clear').addEventListener('click', () => {
  strokes = [];
  begin();
});
document.addEventListener('visibilitychange', () => { // a page that nobody sees rests
  if (training) tell(document.hidden ? 'pause' : 'train');
});

// The way from noise to data.

let playing = 0;
function play(on) {
  cancelAnimationFrame(playing);
  playing = 0;
  $('play').textContent = on ? 'Stop' : 'Play';
  if (!on) return;
  const from = Number($('at').value) >= layers ? 0 : Number($('at').value);
  let start = null;
  playing = requestAnimationFrame(function frame(now) {
    start ??= now;
    const at = Math.min(from + (now - start) / 700, layers);
    $('at').value = at;
    draw('way');
    if (at < layers) playing = requestAnimationFrame(frame);
    else play(false);
  });
}
$('play').addEventListener('click', () => play(!playing));
$('at').addEventListener('input', () => {
  play(false);
  draw('way');
});

// Drawing.

const place = event => {
  const r = $('data').getBoundingClientRect();
  return [((event.clientX - r.left) / r.width * 2 - 1) * view, (1 - (event.clientY - r.top) / r.height * 2) * view];
};
const within = p => p.map(v => Math.max(-view, Math.min(view, v)));

function paint(p) {
  stroke.push(...within(p));
  draw('data');
}
function lift() {
  if (!stroke) return;
  stroke = null;
  tell('draw', {strokes, anew: shown.losses.length === 0});
}
$('data').addEventListener('pointerdown', event => {
  if (!drawing || failed || stroke) return;
  $('data').setPointerCapture(event.pointerId);
  strokes.push(stroke = []);
  cursor = null;
  paint(place(event));
});
$('data').addEventListener('pointermove', event => {
  if (stroke) for (const e of event.getCoalescedEvents?.() ?? [event]) paint(place(e));
});
for (const type of ['pointerup', 'pointercancel']) $('data').addEventListener(type, lift);

const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
$('data').addEventListener('keydown', event => {
  if (!drawing || failed || !(event.key in arrows || event.key === ' ')) return;
  event.preventDefault();
  cursor ??= [0, 0];
  if (event.key === ' ') {
    if (!stroke) {
      strokes.push(stroke = []);
      paint(cursor);
    }
    return;
  }
  cursor = within(cursor.map((v, j) => v + arrows[event.key][j] * view / 20));
  if (stroke) paint(cursor);
  draw('data');
});
$('data').addEventListener('keyup', event => { if (event.key === ' ') lift(); });
$('data').addEventListener('blur', () => {
  cursor = null;
  lift();
  draw('data');
});

// Pictures. What is to be drawn is drawn once in each frame of the screen.

const waiting = new Set();
function draw(name) {
  if (waiting.size === 0) requestAnimationFrame(() => {
    for (const n of waiting) painters[n](context(n));
    waiting.clear();
  });
  waiting.add(name);
}

function context(name) {
  const canvas = $(name), r = canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
  const w = Math.round(r.width * scale), h = Math.round(r.height * scale);
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, {width: w, height: h});
  const c = canvas.getContext('2d');
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, r.width, r.height);
  return Object.assign(c, {w: r.width, h: r.height});
}

// Colours of a density from 0 to 1.
const scales = {
  light: [[255, 255, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]],
  dark: [[21, 24, 28], [40, 54, 110], [120, 60, 140], [222, 95, 80], [252, 205, 100]],
};
function shade(t) {
  const stops = scales[dark.matches ? 'dark' : 'light'], x = t * (stops.length - 1), k = Math.min(Math.floor(x), stops.length - 2);
  return stops[k].map((v, j) => v + (x - k) * (stops[k + 1][j] - v));
}

const painters = {
  data(c) {
    const unit = c.w / (2 * view);
    c.fillStyle = color('link');
    for (let i = 0; i + 1 < shown.data.length; i += 2) {
      c.fillRect((shown.data[i] + view) * unit - 1, (view - shown.data[i + 1]) * unit - 1, 2, 2);
    }
    if (!drawing) return;
    c.strokeStyle = color('link');
    c.globalAlpha = 0.35;
    c.lineWidth = 3 * brush * unit;
    c.lineCap = c.lineJoin = 'round';
    for (const s of strokes) {
      c.beginPath();
      c.moveTo((s[0] + view) * unit, (view - s[1]) * unit);
      for (let k = 0; k + 1 < s.length; k += 2) c.lineTo((s[k] + view) * unit, (view - s[k + 1]) * unit);
      c.stroke();
    }
    c.globalAlpha = 1;
    if (cursor) {
      const [x, y] = [(cursor[0] + view) * unit, (view - cursor[1]) * unit];
      c.lineWidth = 2;
      c.strokeStyle = color('ink');
      c.beginPath();
      c.moveTo(x - 8, y); c.lineTo(x + 8, y); c.moveTo(x, y - 8); c.lineTo(x, y + 8);
      c.stroke();
    }
    if (strokes.length === 0) {
      c.fillStyle = color('soft');
      c.font = '15px system-ui, "DejaVu Sans", sans-serif';
      c.textAlign = 'center';
      c.fillText('Draw here', c.w / 2, c.h / 2);
    }
  },

  density(c) {
    if (!shown.picture) return;
    const n = shown.cells, small = new OffscreenCanvas(n, n), image = new ImageData(n, n);
    for (let i = 0; i < n * n; i++) {
      image.data.set(shade(shown.picture[i]), 4 * i);
      image.data[4 * i + 3] = 255;
    }
    small.getContext('2d').putImageData(image, 0, 0);
    c.imageSmoothingQuality = 'high';
    c.drawImage(small, 0, 0, c.w, c.h);
  },

  way(c) {
    const at = Number($('at').value);
    $('layer').textContent = at === 0 ? 'noise' : at === layers ? 'data' : `layer ${Math.ceil(at)}`;
    if (!shown.path) return;
    const n = shown.points, k = Math.min(Math.floor(at), layers - 1), t = at - k, unit = c.w / (2 * view), lightness = dark.matches ? 65 : 42;
    const between = i => (1 - t) * shown.path[2 * n * k + i] + t * shown.path[2 * n * (k + 1) + i];
    for (let i = 0; i < 2 * n; i += 2) { // coloured by the direction in which the noise is
      c.fillStyle = `hsl(${Math.round(Math.atan2(shown.path[i + 1], shown.path[i]) * 180 / Math.PI)} 75% ${lightness}%)`;
      c.fillRect((between(i) + view) * unit - 1, (view - between(i + 1)) * unit - 1, 2, 2);
    }
  },

  loss(c) {
    const {losses, floor} = shown, n = losses.length;
    const means = losses.map((_, k) => { // of the last few steps
      const few = losses.slice(k + 1 - Math.min(15, (k >> 1) + 1), k + 1);
      return few.reduce((sum, v) => sum + v, 0) / few.length;
    });
    const mean = means.at(-1);
    $('numbers').textContent = n === 0 ? '' : `${mean.toFixed(2)} nats after ${shown.steps} steps, ${shown.perSecond.toFixed(0)} a second`;
    $('loss').setAttribute('aria-label', 'Loss by steps' + (n === 0 ? '' : `: ${mean.toFixed(2)} nats after ${shown.steps} steps`));
    const box = {left: 40, right: 10, top: 10, bottom: 24};
    const later = losses.slice(Math.min(5, n >> 1)); // the first few may be far above
    const low = Math.min(floor ?? Infinity, ...later, ...(n ? [] : [floor ?? 0])) - 0.1, high = Math.max(...later, low + 1) + 0.1;
    const steps = Math.max(n, 100);
    const x = k => box.left + k / steps * (c.w - box.left - box.right), y = v => box.top + (high - v) / (high - low) * (c.h - box.top - box.bottom);
    c.font = '12px system-ui, "DejaVu Sans", sans-serif';
    c.fillStyle = color('soft');
    c.strokeStyle = color('line');
    c.lineWidth = 1;
    const tick = (span, most) => {
      const raw = span / most, power = 10 ** Math.floor(Math.log10(raw));
      return [1, 2, 5, 10].map(f => f * power).find(s => s >= raw);
    };
    c.textAlign = 'right';
    c.textBaseline = 'middle';
    const up = tick(high - low, 5);
    for (let v = Math.ceil(low / up) * up; v <= high; v += up) {
      c.beginPath();
      c.moveTo(box.left, y(v)); c.lineTo(c.w - box.right, y(v));
      c.stroke();
      c.fillText(v.toFixed(up < 1 ? 1 : 0), box.left - 6, y(v));
    }
    c.textBaseline = 'top';
    const along = tick(steps, c.w / 90);
    for (let k = 0; k <= steps; k += along) {
      c.textAlign = k === 0 ? 'left' : x(k) > c.w - 30 ? 'right' : 'center';
      c.fillText(k === 0 ? '0 steps' : k, x(k), c.h - box.bottom + 6);
    }
    c.save();
    c.beginPath();
    c.rect(box.left, 0, c.w - box.left, c.h - box.bottom);
    c.clip();
    const line = (values, style, width) => {
      c.strokeStyle = style;
      c.lineWidth = width;
      c.beginPath();
      values.forEach((v, k) => c.lineTo(x(k), y(v)));
      c.stroke();
    };
    c.globalAlpha = 0.35;
    line(losses, color('link'), 1);
    c.globalAlpha = 1;
    line(means, color('link'), 2);
    if (floor !== null) {
      c.setLineDash([6, 4]);
      c.strokeStyle = color('ink');
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(box.left, y(floor)); c.lineTo(c.w - box.right, y(floor));
      c.stroke();
    }
    c.restore();
  },
};

const all = () => Object.keys(painters).forEach(draw);
new ResizeObserver(all).observe($('panels'));
dark.addEventListener('change', all);
