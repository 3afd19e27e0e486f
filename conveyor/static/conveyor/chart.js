// Draws a chart from the table below it. Colours and dashes come from the stylesheet: from the keys of the legend.
(() => {
  "use strict";

  const HEIGHT = 200; // pixels
  const GAP = 2.5; // steps without a point after which a line breaks
  const DASHES = { solid: [], dashed: [7, 4], dotted: [2, 3] };

  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
  const written = (seconds) => `${day.format(seconds * 1000)}, ${clock.format(seconds * 1000)}`;

  const faint = (colour, alpha) => colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);

  // How a line's key in the legend looks; a line without one is as text is.
  const look = (section, number) => {
    const key = section.querySelector(`.look-${number}`);
    const style = getComputedStyle(key ?? section);
    return key
      ? { stroke: style.borderTopColor, dash: DASHES[style.borderTopStyle] ?? [], fill: style.backgroundColor }
      : { stroke: style.color, dash: [] };
  };

  // What the table says, oldest first, with a row of nothing wherever the line is to break.
  const read = (section) => {
    const heads = [...section.querySelectorAll("thead th")].slice(1);
    const columns = heads.map((head) => ({ kind: head.dataset.kind, look: head.dataset.look, values: [] }));
    const times = [];
    const rows = []; // the table's row of each point, or null in a gap
    const step = Number(section.dataset.step);
    const add = (time, row, values) => {
      times.push(time);
      rows.push(row);
      columns.forEach((column, at) => column.values.push(values[at] ?? null));
    };
    for (const row of [...section.querySelectorAll("tbody tr")].reverse()) {
      const time = Date.parse(row.querySelector("time").dateTime) / 1000;
      const middle = section.hasAttribute("data-averaged") ? time + step / 2 : time;
      if (step && times.length && middle - times.at(-1) > GAP * step) {
        add(times.at(-1) + step, null, []);
      }
      const values = [...row.querySelectorAll("td")].map((cell) => Number.parseFloat(cell.textContent));
      add(middle, row, values.map((value) => (Number.isNaN(value) ? null : value)));
    }
    return { columns, times, rows };
  };

  // Layers lie on each other; peaks belong to the line before them.
  const compose = (section, { columns, times }) => {
    const data = [times];
    const series = [{}];
    const bands = [];
    let below = null;
    let last = null;
    const isolated = (values) =>
      values.flatMap((value, at) => (value !== null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
    for (const column of columns) {
      if (column.kind === "figure") {
        last = null;
        continue;
      }
      const { stroke, dash, fill } = look(section, column.look);
      const isPeak = column.kind === "peak";
      let { values } = column;
      if (column.kind === "layer") {
        const floor = below && data[below];
        values = values.map((value, at) => (value === null || (floor && floor[at] === null) ? null : value + (floor?.[at] ?? 0)));
      }
      data.push(values);
      const own = data.length - 1;
      series.push({
        stroke: isPeak ? faint(stroke, 0.6) : stroke,
        dash: isPeak ? [] : dash,
        width: column.kind === "line" ? 1.75 : 1,
        points: { show: true, size: 4, filter: (plot, number) => isolated(plot.data[number]) },
        fill: column.kind === "layer" && below === null ? fill : undefined,
      });
      if (column.kind === "layer" && below !== null) {
        bands.push({ series: [own, below], fill });
      }
      if (isPeak && last !== null) {
        bands.push({ series: [own, last], fill: faint(stroke, 0.14) });
      }
      below = column.kind === "layer" ? own : below;
      last = column.kind === "line" ? own : null;
    }
    return { data, series, bands };
  };

  const top = (section, most) => {
    const { top: fixed, least } = section.dataset;
    return Number(fixed) || Math.max((most ?? 0) * 1.08, Number(least)) || 1;
  };

  // 21:00, and at midnight the day. Over days only days.
  const ticks = (plot, splits, axis, space, increment) =>
    splits.map((time) => {
      const isMidnight = new Date(time * 1000).getHours() === 0 && time % 3600 === 0;
      return increment >= 86400 || isMidnight ? day.format(time * 1000) : clock.format(time * 1000);
    });

  const tell = (chart, row) => {
    const { section } = chart;
    section.querySelector(".chart-moment").textContent = row ? row.querySelector("time").textContent : "";
    for (const value of section.querySelectorAll("[data-column]")) {
      value.dataset.latest ??= value.textContent;
      const cell = row?.querySelectorAll("td")[value.dataset.column];
      value.textContent = cell ? `${cell.textContent} ${section.dataset.unit}`.trim() : value.dataset.latest;
    }
    section.classList.toggle("chart-told", Boolean(row));
  };

  class Chart {
    constructor(section) {
      this.holder = section.querySelector(".chart-plot");
      this.observer = new ResizeObserver(() => this.plot?.setSize(this.size));
      this.show(section);
      this.observer.observe(this.holder);
    }

    get size() {
      return { width: this.holder.clientWidth, height: HEIGHT };
    }

    // The section's table as it is now. A plot with the same lines stays, and with it what is pointed at.
    show(section, isNew = false) {
      this.section = section;
      const found = read(section);
      const { data, series, bands } = compose(section, found);
      const shape = JSON.stringify([series, bands]);
      this.rows = found.rows;
      if (this.plot && shape === this.shape && !isNew) {
        this.plot.setData(data);
        tell(this, this.rows[this.plot.cursor.idx]);
        return;
      }
      this.shape = shape;
      this.plot?.destroy();
      this.plot = this.draw(data, series, bands);
    }

    draw(data, series, bands) {
      const style = getComputedStyle(this.section);
      const axis = {
        stroke: style.getPropertyValue("--muted").trim(),
        grid: { stroke: style.getPropertyValue("--line").trim(), width: 1 },
        ticks: { show: false },
        font: `12px ${style.fontFamily}`,
      };
      const { unit } = this.section.dataset;
      const options = {
        ...this.size,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          drag: { x: false, y: false },
          sync: { key: "graphs", scales: ["x", null] },
          points: { size: 6 },
        },
        scales: {
          x: { range: () => [Number(this.section.dataset.start), Number(this.section.dataset.end)] },
          y: { range: (plot, least, most) => [0, top(this.section, most)] },
        },
        axes: [
          { ...axis, grid: { show: false }, values: ticks, space: 64, size: 28 },
          {
            ...axis,
            space: 36,
            values: (plot, splits) => splits.map((value) => `${value} ${unit}`.trim()),
            size: (plot, values) => 14 + 7 * Math.max(4, ...(values ?? []).map((value) => value.length)),
          },
        ],
        series,
        bands,
        hooks: { setCursor: [(plot) => tell(this, this.rows[plot.cursor.idx])] },
      };
      return new uPlot(options, data, this.holder);
    }

    end() {
      this.observer.disconnect();
      this.plot.destroy();
    }
  }

  const charts = new Map(); // by the holder of the plot

  // Draw what is on the page, and let go of what is not.
  const drawAll = (isNew = false) => {
    for (const time of document.querySelectorAll(".chart time:not([title])")) {
      time.textContent = written(Date.parse(time.dateTime) / 1000);
    }
    document.documentElement.classList.add("drawn");
    const zone = document.getElementById("zone");
    if (zone) {
      zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
    }
    for (const [holder, chart] of charts) {
      if (!holder.isConnected) {
        chart.end();
        charts.delete(holder);
      }
    }
    for (const section of document.querySelectorAll(".chart:has(.chart-plot)")) {
      const holder = section.querySelector(".chart-plot");
      if (charts.has(holder)) {
        charts.get(holder).show(section, isNew);
      } else {
        section.querySelector("details").open = false;
        charts.set(holder, new Chart(section));
      }
    }
  };

  document.addEventListener("htmx:afterSwap", () => drawAll());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(true));
  drawAll();
})();
