// Trains beside the page, so that the page always answers. Messages are {kind, …} in both directions.
'use strict';

importScripts('wasm_exec.js');

const points = 1500;       // of the data and of the way from noise to data
const cells = 64;          // of the picture in each direction
const turnTime = 80;       // milliseconds of training between two looks at messages
const share = 0.25;        // of the time that pictures may take
const most = 4000;         // steps after which training ends by itself

let state = {ready: false, training: false, data: false};
let steps = 0, end = most; // of the lesson
let chunk = 1;             // steps of a turn
let pictured = 0, cost = 0; // when pictures were made, and the time that it took

const post = (kind, more) => postMessage(Object.assign({kind}, more));

self.flowReady = () => post('ready', {picks: flow.picks, layers: flow.layers, view: flow.view, brush: flow.brush});

async function load() {
  const response = await fetch('flow.wasm.gz');
  if (!response.ok) throw new Error(`flow.wasm.gz: ${response.status} ${response.statusText}`);
  let bytes = await response.arrayBuffer();
  if (new Uint8Array(bytes)[0] === 0x1f) { // the server has not said that the file is compressed, so the browser has left it as it is
    bytes = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
  }
  const go = new Go();
  const {instance} = await WebAssembly.instantiate(bytes, go.importObject);
  go.run(instance).then(() => post('failed', {text: 'the program has ended'}));
}

// pictures sends what the flow has learned so far.
function pictures() {
  const start = performance.now();
  const picture = flow.picture(cells), path = flow.path(points);
  pictured = performance.now();
  cost = pictured - start;
  post('pictures', {picture, path, cells, points, steps});
}

// turn trains for a moment, then lets messages in.
function turn() {
  if (!state.training) return;
  const start = performance.now();
  const losses = flow.train(Math.min(chunk, end - steps));
  if (typeof losses === 'string') {
    state.training = false;
    post('failed', {text: losses});
    return;
  }
  const now = performance.now();
  chunk = Math.max(1, Math.min(50, Math.round(losses.length * turnTime / Math.max(now - start, 1))));
  steps += losses.length;
  post('losses', {losses, steps, perSecond: 1000 * losses.length / Math.max(now - start, 1)});
  if (steps >= end) state.training = false;
  if (!state.training || now - pictured > cost * (1 - share) / share) pictures();
  if (state.training) setTimeout(turn, 0);
  else post('ended', {steps});
}

function begin() {
  steps = 0;
  end = most;
  pictures();
}

const answers = {
  pick({number}) {
    const floor = flow.pick(number);
    post('data', {data: flow.data(points), floor});
    begin();
  },
  draw({strokes, anew}) {
    if (!flow.draw(strokes, anew)) {
      state.training = false;
      post('data', {data: new Float32Array(0), floor: null});
      return;
    }
    post('data', {data: flow.data(points), floor: null});
    if (anew) begin();
    else end = steps + most;
  },
  train() {
    if (state.training) return;
    state.training = true;
    pictured = 0;
    turn();
  },
  pause() {
    if (state.training) pictures();
    state.training = false;
  },
};

onmessage = event => answers[event.data.kind](event.data);

load().catch(error => post('failed', {text: error.message}));
