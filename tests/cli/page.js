/* page.js PAGE CSV - runs the script of a page of charts with a document of a few lines and a Chart
 * that only writes down what it is given. Prints "ok", or what is wrong.
 */
'use strict';
const fs = require('fs'), vm = require('vm'), assert = require('assert');
const html = fs.readFileSync(process.argv[2], 'utf8'), csv = fs.readFileSync(process.argv[3], 'utf8');
const scripts = [...html.matchAll(/<script[^>]*>\n([\s\S]*?)<\/script>/g)].map((m) => m[1]);
const data = JSON.parse(scripts[0]);

class Element {
  constructor() {
    this.attributes = {}, this.children = [], this.style = {}, this.listeners = {}, this.hidden = true;
    this.parts = {};
  }
  setAttribute(name, value) { this.attributes[name] = value; }
  append(...more) { this.children.push(...more); }
  addEventListener(kind, heard) { this.listeners[kind] = heard; }
  querySelector(what) { return this.parts[what] = this.parts[what] || new Element(); }
  querySelectorAll() { return []; }
}

const charts = [], blobs = [], sections = {};
class Chart {
  constructor(canvas, config) {
    Object.assign(this, config);
    this.hidden = new Set(), this.updates = 0, this.canvas = canvas;
    charts.push(this);
  }
  isDatasetVisible(i) { return !this.hidden.has(i); }
  setDatasetVisibility(i, shown) { shown ? this.hidden.delete(i) : this.hidden.add(i); }
  update() { this.updates++; }
}
const dark = new Element();
dark.matches = false;
const page = {
  Chart, Blob: class { constructor(parts) { blobs.push(parts.join('')); } },
  URL: {createObjectURL: () => 'blob:1'},
  getComputedStyle: () => ({getPropertyValue: () => ' #123456'}),
  document: {
    documentElement: {},
    createElement: () => new Element(),
    getElementById: (id) => id === 'charts' ? {textContent: scripts[0]} :
      sections[id] = sections[id] || new Element(),
  },
};
page.window = {matchMedia: () => dark};

try {
  new vm.Script(scripts[1]); // Chart.js itself is whole
  vm.runInNewContext(scripts[2], page);
  assert.equal(charts.length, data.length);
  const [drawn] = charts, [chart] = data, section = sections['chart-0'];
  assert.equal(drawn.data.datasets.length, chart.series.length);
  chart.series.forEach((s, i) => {
    assert.equal(drawn.data.datasets[i].label, s.name);
    assert.deepEqual(drawn.data.datasets[i].data.map((p) => p.y), s.y);
    assert.deepEqual(drawn.data.datasets[i].data.map((p) => p.x), s.x);
  });
  assert.equal(drawn.options.scales.y.min, chart.axes.y.lo);
  const scale = {};
  drawn.options.scales.y.afterBuildTicks(scale);
  assert.deepEqual(scale.ticks.map((t) => drawn.options.scales.y.ticks.callback(t.value)),
                   chart.axes.y.ticks.map((t) => t.label));
  const keys = section.parts['.keys'].children;
  assert.equal(keys.length, chart.series.length);
  keys[1].listeners.click();
  assert.deepEqual([...drawn.hidden], [1]);
  assert.equal(keys[1].attributes['aria-pressed'], 'false');
  keys[1].listeners.click();
  assert.deepEqual([...drawn.hidden], []);
  assert.equal(drawn.updates, 2);
  const label = drawn.options.plugins.tooltip.callbacks.label;
  assert.equal(label({dataset: {label: 'lru'}, parsed: {y: 0.125}}), 'lru: 12.5 %');
  const before = drawn.data.datasets[0].borderColor;
  dark.matches = true;
  dark.listeners.change();
  assert.notEqual(drawn.data.datasets[0].borderColor, before);
  assert.equal(section.parts['.csv'].hidden, false);
  const rows = (text) => text.trim().split('\n').slice(1)
    .map((l) => l.split(',')).map(([n, x, y]) => [n, Number(x), Number(y)]);
  assert.deepEqual(rows(blobs[0]), rows(csv));
  process.stdout.write('ok');
} catch (e) {
  process.stdout.write(String(e.message));
}
