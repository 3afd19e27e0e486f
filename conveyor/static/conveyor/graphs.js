// Keeps open graphs of now. The server says in how many seconds asking again makes sense; a page that nobody looks at
// does not ask. What has changed is morphed in: charts, what is pointed at, what is open and focused stay. What cannot be
// renewed says of when it is.
(() => {
  "use strict";

  const LONGEST = 3600; // seconds between two questions, however ill the server is

  let timer = 0;
  let isOverdue = false;
  let failures = 0;
  let renewed = new Date();

  const graphs = () => document.getElementById("graphs");
  const usual = () => Number.parseFloat(graphs().dataset.renewAfter);

  const schedule = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, seconds * 1000);
  };

  const ask = () => {
    isOverdue = document.hidden;
    if (!isOverdue) {
      htmx.trigger(graphs(), "renew");
    }
  };

  const tell = () => {
    const late = document.getElementById("late");
    late.hidden = !failures;
    late.querySelector("time").textContent = renewed.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  };

  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "graphs") {
      return;
    }
    failures = event.detail.successful ? 0 : failures + 1;
    renewed = failures ? renewed : new Date();
    tell();
    const after = Number.parseFloat(event.detail.xhr.getResponseHeader("Renew-After")) || usual();
    schedule(Math.min(after * 2 ** failures, LONGEST));
  });

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isOverdue) {
      ask();
    }
  });

  const isPlot = (node) => node instanceof Element && node.classList.contains("chart-plot");
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (before) => !isPlot(before);
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node instanceof HTMLDetailsElement);

  schedule(usual());
})();
