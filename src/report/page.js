"use strict";
// What a page does beyond being read: tables sort, charts tell the values under the pointer. Without it nothing is missing.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  // What a row is sorted by in a column; null: not known, which comes last whatever the direction.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell?.dataset.v !== undefined) return Number(cell.dataset.v);
    return ["", "-", undefined].includes(cell?.textContent) ? null : cell.textContent;
  };

  const sorted = (rows, column, sign) => rows.map((row) => [key(row, column), row]).sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b));
  }).map(([, row]) => row);

  for (const { tHead, tBodies: [body] } of document.querySelectorAll("table")) {
    const rows = [...body.rows], heads = [...tHead.rows[tHead.rows.length - 1].cells];
    if (rows.length < 2) continue;
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "sort by this column";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }, was = head.ariaSort;
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.ariaSort = was ? next[was] : "ascending";
        body.append(...(head.ariaSort ? sorted(rows, column, head.ariaSort === "ascending" ? 1 : -1) : rows));
      });
    });
  }

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.role = "status";
  document.body.append(tip);

  // The values of a chart by their place along it, instead of the browser's own boxes.
  const read = (chart) => {
    const bars = chart.querySelector(".f title") !== null, along = bars ? "y" : "x", size = bars ? "height" : "width";
    const told = [...chart.querySelectorAll("g title")].map((title) => {
      const shape = title.parentNode, box = shape.getBBox(), from = box[along], to = from + box[size], text = title.textContent;
      title.remove();
      return { from, to, at: (from + to) / 2, text, mark: shape.closest(".mm, .mr"), color: getComputedStyle(shape).color };
    });
    const cross = document.createElementNS("http://www.w3.org/2000/svg", "path");
    cross.setAttribute("class", "cross");
    chart.append(cross);
    return { bars, told, cross, plot: chart.querySelector(".area").getBBox(),
             // the same place of two shapes may differ in rounding
             stops: told.filter((each) => !each.mark).map((each) => each.at).sort((a, b) => a - b)
               .filter((at, i, all) => i === 0 || at - all[i - 1] > 0.4) };
  };

  for (const chart of document.querySelectorAll("svg.chart")) {
    let data = null, stop = -1;
    const hide = () => {
      tip.hidden = true;
      data?.cross.removeAttribute("d");
    };
    const show = (left, top) => {
      const { plot, bars, told, cross, stops } = data, at = stops[stop];
      const lines = told.filter((each) => each.mark ? each.from - 2 <= at && at <= each.to + 2 : Math.abs(each.at - at) < 0.8);
      tip.replaceChildren(...lines.map((line) => {
        const item = document.createElement("p");
        item.textContent = line.text;
        item.style.borderColor = line.mark ? "transparent" : line.color;
        return item;
      }));
      cross.setAttribute("d", bars ? `M${plot.x} ${at}h${plot.width}` : `M${at} ${plot.y}v${plot.height}`);
      tip.hidden = false;
      const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.left = `${Math.max(8, left + 16 > room ? left - tip.offsetWidth - 16 : left + 16)}px`;
      tip.style.top = `${Math.max(8, Math.min(top + 16, innerHeight - tip.offsetHeight - 8))}px`;
    };
    const on = (name, react) => chart.addEventListener(name, (event) => {
      data ??= read(chart);
      if (data.stops.length) react(event, chart.getScreenCTM(), data);
    });
    on("pointermove", ({ clientX, clientY }, screen, { bars, stops }) => {
      const place = new DOMPoint(clientX, clientY).matrixTransform(screen.inverse())[bars ? "y" : "x"];
      stop = stops.reduce((best, each, i) => Math.abs(each - place) < Math.abs(stops[best] - place) ? i : best, 0);
      show(clientX, clientY);
    });
    on("keydown", (event, screen, { bars, stops, plot }) => {
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      stop = Math.max(0, Math.min(stop + step, stops.length - 1));
      const place = bars ? [plot.x + plot.width / 2, stops[stop]] : [stops[stop], plot.y];
      const { x, y } = new DOMPoint(...place).matrixTransform(screen);
      show(x, y);
    });
    on("pointerleave", hide);
    on("blur", hide);
    chart.tabIndex = 0;
  }
})();
