/* chart_page.js - the script of a page of charts: draws them with Chart.js, which stands before it.
 *
 * Everything to be drawn is in the page, as JSON: the charts as docs/formats/json.md has them, and
 * for each the spans and ticks that every other picture of it has too ("axes"). Without scripts the
 * page still has its words and tables.
 *
 * Source: the documentation of Chart.js 3.9 (scales, plugins, setDatasetVisibility).
 */
'use strict';
(function () {
  const page = JSON.parse(document.getElementById('charts').textContent);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const colours = {
    light: ['#0072b2', '#c04e00', '#00795a', '#a8457f', '#9a6700', '#2b7f9e', '#1d2330', '#7a5c2e'],
    dark: ['#56b4e9', '#ff9d5c', '#3ecf9f', '#e6a1c8', '#f0c24b', '#9db8ff', '#e6e9f0', '#c9a26b'],
  };
  const shapes = ['circle', 'rect', 'triangle', 'rectRot', 'cross', 'star', 'crossRot', 'dash'];
  const viridis = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

  function colour(i) {
    const set = dark.matches ? colours.dark : colours.light;
    return set[i % set.length];
  }

  function css(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  /* ---- numbers as text ---- */

  const units = {
    bytes: [1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']],
    ns: [1000, [' ns', ' us', ' ms', ' s']],
  };

  function valueText(unit, v) {
    if (unit === 'ratio')
      return Number((100 * v).toPrecision(5)) + ' %';
    if (!units[unit])
      return Number(v.toPrecision(9)).toLocaleString('en');
    const [base, names] = units[unit];
    let u = 0;
    for (; u + 1 < names.length && Math.abs(v) >= base; u++)
      v /= base;
    return Number(v.toPrecision(5)) + names[u];
  }

  /* ---- axes ---- */

  function scale(axis, span) {
    const labels = new Map(span.ticks.map((t) => [t.at, t.label]));
    return {
      type: axis.scale === 'log' ? 'logarithmic' : 'linear',
      min: span.lo,
      max: span.hi,
      title: {display: true, text: axis.label, color: css('--ink')},
      afterBuildTicks: (s) => { s.ticks = span.ticks.map((t) => ({value: t.at})); },
      ticks: {color: css('--dim'), autoSkip: true, callback: (v) => labels.get(v)},
      grid: {color: css('--grid'), borderColor: css('--line')},
    };
  }

  function options(chart) {
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      parsing: false,
      interaction: {mode: 'nearest', axis: 'x', intersect: false},
      scales: {x: scale(chart.x, chart.axes.x), y: scale(chart.y, chart.axes.y)},
      plugins: {
        legend: {display: false},
        decimation: {enabled: true, algorithm: 'min-max', threshold: 4000},
        tooltip: {
          callbacks: {
            title: (items) => items.length ?
              chart.x.label + ': ' + valueText(chart.x.unit, items[0].parsed.x) : '',
            label: (item) => item.dataset.label + ': ' + valueText(chart.y.unit, item.parsed.y),
          },
        },
      },
    };
  }

  /* ---- series ---- */

  function dataset(series, i) {
    const points = series.style === 'points';
    return {
      type: series.style === 'bars' ? 'bar' : points ? 'scatter' : 'line',
      label: series.name,
      data: series.x.map((x, k) => ({x: x, y: series.y[k] === null ? NaN : series.y[k]})),
      stepped: series.style === 'steps',
      spanGaps: false,
      borderWidth: 2,
      clip: 6, /* points at the edge are whole */
      borderDash: i < 8 ? [] : [6, 3],
      pointStyle: shapes[i % shapes.length],
      pointRadius: points || series.x.length <= 60 ? 3 : 0,
      borderColor: colour(i),
      backgroundColor: colour(i),
    };
  }

  /* A button for each series, which a keyboard reaches too. */
  function keys(chart, section, drawn) {
    const row = section.querySelector('.keys');
    chart.series.forEach((series, i) => {
      const key = document.createElement('button'), patch = document.createElement('i');
      key.type = 'button';
      key.setAttribute('aria-pressed', 'true');
      patch.style.background = colour(i);
      key.append(patch, series.name);
      key.addEventListener('click', () => {
        const shown = !drawn.isDatasetVisible(i);
        drawn.setDatasetVisibility(i, shown);
        key.setAttribute('aria-pressed', String(shown));
        drawn.update();
      });
      row.append(key);
    });
  }

  function drawSeries(chart, section) {
    const drawn = new Chart(section.querySelector('canvas'), {
      type: 'line',
      data: {datasets: chart.series.map(dataset)},
      options: options(chart),
    });
    keys(chart, section, drawn);
    return drawn;
  }

  /* ---- heat maps ---- */

  function range(heat) {
    let least = Infinity, most = 0;
    for (const row of heat.rows)
      for (const v of row)
        if (v > 0) {
          least = Math.min(least, v);
          most = Math.max(most, v);
        }
    return {least: least, most: most};
  }

  /* Equal steps of ratio have equal steps of colour. */
  function heatColour(v, span) {
    const share = span.most > span.least ?
      Math.log(v / span.least) / Math.log(span.most / span.least) : 1;
    const at = share * (viridis.length - 1), i = Math.min(Math.floor(at), viridis.length - 2);
    return viridis[i].map((c, k) => Math.round(c + (viridis[i + 1][k] - c) * (at - i)));
  }

  /* One pixel a cell, the highest row first. */
  function heatImage(heat, span) {
    const image = document.createElement('canvas'), rows = heat.rows.length;
    image.width = rows ? heat.rows[0].length : 1;
    image.height = Math.max(rows, 1);
    const ink = image.getContext('2d'), pixels = ink.createImageData(image.width, image.height);
    heat.rows.forEach((row, r) => row.forEach((v, c) => {
      if (v > 0)
        pixels.data.set([...heatColour(v, span), 255],
                        4 * ((rows - 1 - r) * image.width + c));
    }));
    ink.putImageData(pixels, 0, 0);
    return image;
  }

  function heatPlugin(heat, image) {
    return {
      id: 'heat',
      beforeDatasetsDraw: (drawn) => {
        const x = drawn.scales.x, y = drawn.scales.y;
        const left = x.getPixelForValue(heat.x_first), top = y.getPixelForValue(heat.y_end);
        drawn.ctx.imageSmoothingEnabled = false;
        drawn.ctx.drawImage(image, left, top, x.getPixelForValue(heat.x_end) - left,
                            y.getPixelForValue(heat.y_first) - top);
      },
    };
  }

  function cellAt(heat, x, y) {
    const columns = heat.rows.length ? heat.rows[0].length : 0;
    const c = Math.floor((x - heat.x_first) / (heat.x_end - heat.x_first) * columns);
    const r = Math.floor((y - heat.y_first) / (heat.y_end - heat.y_first) * heat.rows.length);
    return heat.rows[r] === undefined ? undefined : heat.rows[r][c];
  }

  /* What the pointer is over. */
  function readout(chart, section, drawn) {
    const said = section.querySelector('output');
    drawn.canvas.addEventListener('mousemove', (event) => {
      const x = drawn.scales.x.getValueForPixel(event.offsetX);
      const y = drawn.scales.y.getValueForPixel(event.offsetY);
      const v = cellAt(chart.heat, x, y);
      said.textContent = v === undefined ? '' :
        chart.x.label + ' ' + valueText(chart.x.unit, x) + ', ' + chart.y.label + ' ' +
        valueText(chart.y.unit, y) + ': ' + valueText('plain', v) + ' ' + chart.heat.label;
    });
  }

  function heatKey(heat, span, section) {
    const row = section.querySelector('.keys'), ramp = document.createElement('span');
    if (span.most === 0)
      return;
    ramp.className = 'ramp';
    ramp.style.background = 'linear-gradient(to right,' +
      viridis.map((c) => 'rgb(' + c.join(',') + ')').join(',') + ')';
    row.append(heat.label + ': ' + valueText('plain', span.least), ramp,
               valueText('plain', span.most));
  }

  function drawHeat(chart, section) {
    const span = range(chart.heat);
    const drawn = new Chart(section.querySelector('canvas'), {
      type: 'scatter',
      data: {datasets: []},
      options: options(chart),
      plugins: [heatPlugin(chart.heat, heatImage(chart.heat, span))],
    });
    heatKey(chart.heat, span, section);
    readout(chart, section, drawn);
    return drawn;
  }

  /* ---- data ---- */

  function csvField(text) {
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }

  /* What `--csv` writes. */
  function csv(chart) {
    const lines = [chart.heat ? 'x,y,value' : 'series,x,y'], heat = chart.heat;
    for (const s of chart.series)
      s.x.forEach((x, i) => lines.push(
        csvField(s.name) + ',' + x + ',' + (s.y[i] === null ? '' : s.y[i])));
    for (let r = 0; heat && r < heat.rows.length; r++)
      heat.rows[r].forEach((v, c) => {
        const x = heat.x_first + c * (heat.x_end - heat.x_first) / heat.rows[r].length;
        const y = heat.y_first + r * (heat.y_end - heat.y_first) / heat.rows.length;
        if (v !== 0)
          lines.push(x + ',' + y + ',' + v);
      });
    return lines.join('\n') + '\n';
  }

  function offerCsv(chart, section) {
    const link = section.querySelector('.csv');
    link.href = URL.createObjectURL(new Blob([csv(chart)], {type: 'text/csv'}));
    link.download = chart.name + '.csv';
    link.hidden = false;
  }

  /* ---- the page ---- */

  /* Colours anew when the screen turns dark or light. */
  function repaint(chart, section, drawn) {
    const fresh = options(chart);
    drawn.options.scales = fresh.scales;
    drawn.data.datasets.forEach((d, i) => { d.borderColor = d.backgroundColor = colour(i); });
    section.querySelectorAll('.keys i').forEach((p, i) => { p.style.background = colour(i); });
    drawn.update();
  }

  page.forEach((chart, i) => {
    const section = document.getElementById('chart-' + i);
    const drawn = chart.heat ? drawHeat(chart, section) : drawSeries(chart, section);
    offerCsv(chart, section);
    dark.addEventListener('change', () => repaint(chart, section, drawn));
  });
})();
