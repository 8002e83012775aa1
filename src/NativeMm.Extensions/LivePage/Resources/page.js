// Shows what /events sends. No request goes to any other host; everything that is shown comes as text, never as markup.
'use strict';
(() => {
  const base = document.body.dataset.base;
  const kinds = ['heap slabs', 'zsmalloc', 'vmap', 'address spaces, caches, other, per core', 'free', 'returned'];
  const history = [];
  const historyMax = 600;
  let last = null, baseline = null, paused = false;
  const $ = id => document.getElementById(id);

  const size = bytes => {
    const sign = bytes < 0 ? '−' : '';
    let value = Math.abs(bytes), unit = 0;
    for (; value >= 1024 && unit < 4; unit++) value /= 1024;
    return sign + (unit === 0 ? value.toFixed(0) : value.toFixed(1)) + ' ' + ['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit];
  };
  const signed = bytes => (bytes > 0 ? '+' : '') + size(bytes);
  const number = value => value.toLocaleString('en-GB');
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const row = cells => {
    const line = make('tr');
    cells.forEach(cell => { const td = make('td'); td.append(cell); line.append(td); });
    return line;
  };
  const fill = (table, rows) => table.tBodies[0].replaceChildren(...rows);
  const named = (index, text) => { const span = make('span'); span.append(make('i', '', 'swatch k' + index), text); return span; };

  const showProcess = state => {
    const process = state.process;
    $('resident').textContent = size(process.resident);
    $('limit').textContent = size(state.budget.total || process.limit);
    $('resident-diff').textContent = baseline ? signed(process.resident - baseline.process.resident) + ' since the baseline' : '';
    $('bar').replaceChildren(...process.categories.map((category, i) => {
      const part = make('span', '', 'k' + i);
      part.style.flex = String(category.bytes);
      part.title = category.name + ' ' + size(category.bytes);
      return part;
    }));
    const rows = process.categories.map((category, i) => row([
      named(i, category.name), size(category.bytes), (100 * category.bytes / process.resident).toFixed(1) + ' %',
      baseline ? signed(category.bytes - baseline.process.categories[i].bytes) : '']));
    rows.push(row(['resident', size(process.resident), '100 %', baseline ? signed(process.resident - baseline.process.resident) : '']));
    fill($('categories'), rows);
    const faults = Object.entries(process.faults).filter(entry => entry[1] > 0).map(entry => entry[0] + ' ' + entry[1]).join(', ');
    $('counters').textContent = `${number(process.minorPageFaults)} minor and ${number(process.majorPageFaults)} major page faults, `
      + `${number(process.failedAllocations)} failed allocations, mistakes: ${faults || 'none'}; collections ${state.gc.gen0}/${state.gc.gen1}/${state.gc.gen2}.`;
  };

  const showHistory = () => {
    const canvas = $('history'), scale = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (width === 0) return;
    canvas.width = width * scale; canvas.height = height * scale;
    const context = canvas.getContext('2d'), style = getComputedStyle(document.documentElement);
    context.scale(scale, scale);
    const top = Math.max(...history) * 1.1 || 1;
    context.strokeStyle = style.getPropertyValue('--c0'); context.lineWidth = 2; context.beginPath();
    history.forEach((bytes, i) => context.lineTo(width - (history.length - 1 - i) * width / historyMax, height - height * bytes / top));
    context.stroke();
    context.fillStyle = style.getPropertyValue('--soft'); context.font = '12px system-ui, sans-serif';
    context.fillText(size(top), 4, 14);
  };

  const showPressure = state => {
    const budget = state.budget;
    $('budget').textContent = budget.total === 0 ? 'No TotalMemoryLimit is set: the garbage collector and native memory do not know of each other.'
      : `One budget of ${size(budget.total)}: the garbage collector may take ${size(budget.managedLimit)} now; memory is short below ${size(budget.margin)}.`;
    fill($('events'), budget.events.length === 0 ? [row(['none so far', '', '', '', '', ''])] : budget.events.map(one => row([
      new Date(one.time).toLocaleTimeString('en-GB'), size(one.freeBefore), size(one.freeAfter), size(one.caches), size(one.handlers), one.collected ? 'yes' : 'no'])));
  };

  const showRuntime = runtime => {
    const section = make('section');
    section.setAttribute('aria-label', 'Runtime ' + runtime.name);
    section.dataset.runtime = runtime.name;
    section.append(make('h2', 'Runtime ' + runtime.name));
    section.append(make('p', `${size(runtime.states.used)} used, ${size(runtime.states.retained)} retained, ${size(runtime.states.releasing)} releasing, `
      + `${size(runtime.states.returned)} returned; `
      + `of the used: heap ${size(runtime.heapBytes)}, zsmalloc ${size(runtime.zsmallocBytes)}, vmap ${size(runtime.vmapBytes)}, spaces ${size(runtime.spaceBytes)}, caches ${size(runtime.cacheBytes)}.`, 'figure'));

    section.append(make('h3', `Frames: one square is ${size(runtime.cellFrames * 4096)}`));
    const map = make('div', '', 'map'), sums = kinds.map(() => 0);
    map.setAttribute('role', 'img');
    runtime.map.forEach(cell => {
      const square = make('i');
      let from = 0;
      const total = cell.reduce((sum, frames) => sum + frames, 0) || 1;
      const stops = cell.map((frames, kind) => { sums[kind] += frames; const start = from; from += 100 * frames / total; return `var(--c${kind}) ${start}% ${from}%`; });
      square.style.background = `linear-gradient(to top, ${stops.join(', ')})`;
      square.title = kinds.map((name, kind) => cell[kind] ? name + ' ' + size(cell[kind] * 4096) : '').filter(text => text).join(', ');
      map.append(square);
    });
    map.setAttribute('aria-label', 'Frames by owner: ' + kinds.map((name, kind) => name + ' ' + size(sums[kind] * 4096)).join(', '));
    const legend = make('ul', undefined, 'legend');
    kinds.forEach((name, kind) => {
      const item = make('li');
      item.append(named(kind, `${name} ${size(sums[kind] * 4096)}`));
      item.dataset.frames = String(sums[kind]);
      legend.append(item);
    });
    const total = make('li', `together ${size(sums.reduce((a, b) => a + b, 0) * 4096)}`);
    total.dataset.total = String(runtime.map.length === 0 ? 0 : sums.reduce((a, b) => a + b, 0));
    legend.append(total);
    section.append(map, legend);

    const table = (title, heads, rows) => {
      section.append(make('h3', title));
      const box = make('div', undefined, 'scroll'), element = make('table'), head = make('tr');
      box.tabIndex = 0; box.setAttribute('role', 'region'); box.setAttribute('aria-label', title);
      heads.forEach(text => { const th = make('th', text); th.scope = 'col'; head.append(th); });
      element.append(make('thead'), make('tbody'));
      element.tHead.append(head); element.tBodies[0].append(...rows.map(row));
      box.append(element); section.append(box);
    };
    table('Free blocks by order', runtime.freeBlocks.map((_, order) => String(order)), [runtime.freeBlocks.map(number)]);
    runtime.heaps.forEach(heap => table(
      `Heap ${heap.name}: ${size(heap.live)} live, ${size(heap.cached)} cached, ${size(heap.free)} free in slabs, ${size(heap.large)} large, ${heap.threadCaches} thread caches`,
      ['block', 'slabs', 'live', 'cached', 'free', 'fill', 'waits for the lock'],
      heap.classes.map(one => [size(one.block), number(one.slabs), number(one.live), number(one.cached), number(one.free),
        (100 * one.live / Math.max(one.live + one.cached + one.free, 1)).toFixed(0) + ' %', `${number(one.waits)} of ${number(one.acquisitions)}`])));
    if (runtime.zsmalloc.length > 0) {
      table('Compressed objects', ['pool', 'objects', 'bytes', 'frames', 'frames compacted'],
        runtime.zsmalloc.map(pool => [pool.name, number(pool.objects), size(pool.used), size(pool.frames), number(pool.compacted)]));
    }
    section.append(make('p', `${size(runtime.returnedTotal)} given back in ${number(runtime.trimPasses)} passes, ${number(runtime.reports)} blocks reported, `
      + `${number(runtime.reportFailures)} reports failed; waits for locks: heap ${number(runtime.waits.heap)}, vmap ${number(runtime.waits.vmap)}, zsmalloc ${number(runtime.waits.zsmalloc)}.`, 'note'));
    return section;
  };

  // A section that the reader is in keeps its focus and its place: the page is only rebuilt around them.
  const showRuntimes = state => {
    const host = $('runtimes'), focused = document.activeElement, label = host.contains(focused) ? focused.getAttribute('aria-label') : null;
    const places = new Map([...host.querySelectorAll('.scroll')].map(box => [box.getAttribute('aria-label').split(':')[0], [box.scrollTop, box.scrollLeft]]));
    host.replaceChildren(...state.runtimes.map(showRuntime));
    host.querySelectorAll('.scroll').forEach(box => {
      const key = box.getAttribute('aria-label').split(':')[0], place = places.get(key);
      if (place) { [box.scrollTop, box.scrollLeft] = place; }
      if (label && label.split(':')[0] === key) box.focus({ preventScroll: true });
    });
  };

  const show = state => {
    last = state;
    history.push(state.process.resident);
    if (history.length > historyMax) history.shift();
    if (paused) return;
    showProcess(state); showHistory(); showPressure(state); showRuntimes(state);
    fill($('pools'), state.pools.length === 0 ? [row(['none', '', '', '', ''])] : state.pools.map(pool => row([
      pool.name, size(pool.rented), size(pool.pooled), size(pool.evicted), size(pool.reserved)])));
    $('status').textContent = 'live, ' + new Date(state.time).toLocaleTimeString('en-GB');
    document.body.dataset.updates = String(Number(document.body.dataset.updates || 0) + 1);
  };

  $('pause').addEventListener('click', () => {
    paused = !paused;
    $('pause').setAttribute('aria-pressed', String(paused));
    $('status').textContent = paused ? 'paused' : 'live';
    if (!paused && last) show(last);
  });
  $('baseline').addEventListener('click', () => {
    baseline = baseline ? null : last;
    $('baseline').textContent = baseline ? 'Clear baseline' : 'Set baseline';
    if (last) showProcess(last);
  });
  $('trim').addEventListener('click', async () => {
    try {
      const answer = await fetch(base + '/trim', { method: 'POST', headers: { 'X-NativeMm': '1' } });
      $('status').textContent = answer.ok ? size((await answer.json()).returned) + ' given back' : 'trim was refused: ' + answer.status;
    } catch {
      $('status').textContent = 'no connection; nothing was given back';
    }
  });
  window.addEventListener('resize', showHistory);

  const listen = () => {
    const source = new EventSource(base + '/events');
    source.onmessage = message => show(JSON.parse(message.data));
    source.onerror = () => {
      $('status').textContent = 'no connection; trying again';
      // An answer that is no stream ends it for good: that of a proxy while the service starts anew, say, or of a sign-in that ran out.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
  };
  listen();
})();
