// Runs the graphs of a folder and compares results with those of nfkit: node run.mjs FOLDER
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as ort from 'onnxruntime-web';

// Largest difference relative to max(1, |value|).
const tolerance = {float32: 1e-5, float64: 1e-9};

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
const folder = process.argv[2];
const only = process.argv[3] ?? '';
const read = ({File}) => {
  const bytes = readFileSync(join(folder, File));
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};

function difference(got, want) {
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || got[i] === want[i]) continue;
    const d = Math.abs(got[i] - want[i]) / Math.max(1, Math.abs(want[i]));
    worst = d <= worst ? worst : d; // NaN is the worst
  }
  return worst;
}

let failures = 0, compared = 0;
for (const g of JSON.parse(readFileSync(join(folder, 'index.json')))) {
  if (!(g.Name + ' ' + g.Precision).includes(only)) continue;
  const Numbers = g.Precision === 'float32' ? Float32Array : Float64Array;
  const start = performance.now();
  const session = await ort.InferenceSession.create(readFileSync(join(folder, g.File)), {executionProviders: ['wasm'], logSeverityLevel: 3});
  const loaded = performance.now();
  const feeds = {};
  for (const [name, t] of Object.entries(g.Inputs)) feeds[name] = new ort.Tensor(g.Precision, Numbers.from(read(t)), t.Dims);
  const results = await session.run(feeds);
  const line = [];
  for (const [name, t] of Object.entries(g.Outputs)) {
    const got = results[name], want = read(t);
    if (String(got.dims) !== String(t.Dims)) throw new Error(`${g.File}: ${name} is ${got.dims}, want ${t.Dims}`);
    const d = difference(got.data, want), own = difference(got.data, read(g.Own[name]));
    const bad = !(d <= tolerance[g.Precision]);
    failures += bad;
    compared++;
    line.push(`${name} ${d.toExponential(1)} (${own.toExponential(1)}; nfkit ${difference(read(g.Own[name]), want).toExponential(1)})${bad ? ' TOO LARGE' : ''}`);
  }
  const empty = {};
  for (const [name, t] of Object.entries(g.Inputs)) empty[name] = new ort.Tensor(g.Precision, new Numbers(0), [0, t.Dims[1]]);
  const none = await session.run(empty);
  for (const name in g.Outputs) if (none[name].dims[0] !== 0) throw new Error(`${g.File}: ${name} of no rows is ${none[name].dims}`);
  await session.release();
  console.log(`${(g.Name + ' ' + g.Precision).padEnd(44)} ${line.join(', ')}   load ${(loaded - start).toFixed(0)} ms, run ${(performance.now() - loaded).toFixed(0)} ms`);
}
console.log(`${compared} results, ${failures} differ by more than ${JSON.stringify(tolerance)}`);
process.exit(failures > 0 || compared === 0 ? 1 : 0);
