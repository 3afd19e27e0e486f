// Keeps an open fleet fresh. The server says in how many seconds asking again makes sense (less often where DigitalOcean
// is ill); a page that nobody looks at does not ask. What has changed is morphed in, so that scroll, focus, selection
// and open menus stay as they are.
(() => {
  "use strict";

  const AGAIN = 2; // seconds between two questions at the least, however eager the server is
  const LONGEST = 300; // seconds between two, however ill it is

  let timer = 0;
  let isAsking = false;
  let isOverdue = false;
  let failures = 0;
  let asked = ""; // the search that is being asked for
  let searches = 0; // of the person's own that are under way

  const fleet = () => document.getElementById("fleet");

  const schedule = (seconds) => {
    clearTimeout(timer);
    isOverdue = false;
    timer = setTimeout(ask, seconds * 1000);
  };

  const ask = () => {
    if (document.hidden) {
      isOverdue = true;
      return;
    }
    if (isAsking || !fleet()?.dataset.edition) {
      return; // a form on it was not accepted: what it says stays until it is answered
    }
    isAsking = true;
    asked = location.search;
    const query = new URLSearchParams(asked);
    query.set("edition", fleet().dataset.edition);
    htmx.ajax("GET", `${location.pathname}?${query}`, {
      source: document.body,
      target: "#fleet",
      swap: "morph:outerHTML",
    });
  };

  const isOurs = (event) => isAsking && event.detail.requestConfig.path.includes("edition=");

  const isSearch = (event) => !isOurs(event) && event.detail.elt.id !== "jobs-link";

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isSearch(event)) {
      searches += 1;
    }
  });

  // Whoever has searched for something else in the meantime is not shown the old search again.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isOurs(event) && (searches || location.search !== asked)) {
      event.detail.shouldSwap = false;
    }
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (isSearch(event)) {
      searches -= 1;
    }
    const answer = event.detail.xhr;
    const after = Number.parseFloat(answer.getResponseHeader("Renew-After"));
    if (isOurs(event)) {
      isAsking = false;
      failures = event.detail.successful ? 0 : failures + 1;
      schedule(
        failures || Number.isNaN(after) ? Math.min(5 * 2 ** failures, LONGEST) : Math.max(after, AGAIN),
      );
    } else if (!Number.isNaN(after)) {
      schedule(after);
    }
  });

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isOverdue) {
      isOverdue = false;
      ask();
    }
  });

  // What is open stays open, what is being typed is not typed over, and what is selected stays selected.
  const isOpened = (name, node) => name === "open" && node instanceof HTMLDetailsElement;
  const isTyped = (name, node) => name === "value" && (node === document.activeElement || node.type === "text");
  const isChosen = (name, node) => (name === "checked" || name === "selected") && Boolean(node.closest(".tick, #act"));
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !isOpened(name, node) && !isTyped(name, node) && !isChosen(name, node);

  if (fleet()) {
    schedule(Number.parseFloat(fleet().dataset.renewAfter) || 0);
  }
})();
