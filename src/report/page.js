"use strict";
// What a page does beyond being read: tables sort, charts tell the values under the pointer. Without it nothing is missing.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  // What a row is sorted by in a column; null: not known, which comes last whatever the direction.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell?.dataset.v !== undefined) return Number(cell.dataset.v);
    return !cell || cell.textContent === "-" || cell.textContent === "" ? null : cell.textContent;
  };

  const sorted = (rows, column, sign) => rows.map((row) => [key(row, column), row]).sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b));
  }).map(([, row]) => row);

  const next = { ascending: "descending", descending: null };

  for (const table of document.querySelectorAll("table")) {
    const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    if (rows.length < 2) continue;
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "sort by this column";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort"), now = was ? next[was] : "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (now) head.setAttribute("aria-sort", now);
        const all = document.createDocumentFragment();
        all.append(...(now ? sorted(rows, column, now === "ascending" ? 1 : -1) : rows));
        body.append(all);
      });
    });
  }

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);

  // The values of a chart by their place, instead of the browser's own boxes.
  const read = (chart) => {
    const bars = chart.querySelector(".f title") !== null, along = bars ? "y" : "x", size = bars ? "height" : "width";
    const told = [...chart.querySelectorAll("g title")].map((title) => {
      const shape = title.parentNode, box = shape.getBBox(), text = title.textContent;
      title.remove();
      return { from: box[along], to: box[along] + box[size], at: box[along] + box[size] / 2, text,
               mark: shape.closest(".mm, .mr"), color: getComputedStyle(shape).color };
    });
    const points = told.filter((each) => !each.mark);
    const cross = document.createElementNS("http://www.w3.org/2000/svg", "path");
    cross.setAttribute("class", "cross");
    chart.append(cross);
    return { bars, points, cross, marks: told.filter((each) => each.mark),
             // the same place of two shapes may differ in rounding
             stops: points.map((point) => point.at).sort((a, b) => a - b).filter((at, i, all) => i === 0 || at - all[i - 1] > 0.4),
             plot: chart.querySelector(".area").getBBox() };
  };

  for (const chart of document.querySelectorAll("svg.chart")) {
    let data = null, stop = -1;
    const hide = () => {
      tip.hidden = true;
      data?.cross.removeAttribute("d");
    };
    const show = (at, left, top) => {
      const { plot, bars } = data;
      const lines = data.points.filter((point) => Math.abs(point.at - at) < 0.8)
        .concat(data.marks.filter((mark) => mark.from - 2 <= at && at <= mark.to + 2));
      tip.replaceChildren(...lines.map((line) => {
        const item = document.createElement("p");
        item.textContent = line.text;
        item.style.borderColor = line.mark ? "transparent" : line.color;
        return item;
      }));
      data.cross.setAttribute("d", bars ? `M${plot.x} ${at}h${plot.width}` : `M${at} ${plot.y}v${plot.height}`);
      tip.hidden = lines.length === 0;
      const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.left = `${Math.max(8, left + 16 > room ? left - tip.offsetWidth - 16 : left + 16)}px`;
      tip.style.top = `${Math.max(8, Math.min(top + 16, innerHeight - tip.offsetHeight - 8))}px`;
    };
    const nearest = (place) => data.stops.reduce((best, each, i) =>
      Math.abs(each - place) < Math.abs(data.stops[best] - place) ? i : best, 0);
    chart.addEventListener("pointermove", (event) => {
      data ??= read(chart);
      if (!data.stops.length) return;
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      stop = nearest(data.bars ? place.y : place.x);
      show(data.stops[stop], event.clientX, event.clientY);
    });
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("blur", hide);
    chart.tabIndex = 0;
    chart.addEventListener("keydown", (event) => {
      data ??= read(chart);
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step || !data.stops.length) return;
      event.preventDefault();
      stop = Math.max(0, Math.min(stop + step, data.stops.length - 1));
      const at = data.stops[stop], { plot, bars } = data;
      const place = new DOMPoint(bars ? plot.x + plot.width / 2 : at, bars ? at : plot.y).matrixTransform(chart.getScreenCTM());
      show(at, place.x, place.y);
    });
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((each) => { each.open = false; }));
})();
