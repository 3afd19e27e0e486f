// Finding in the fleet: ticking a filter and typing search at once, "/" leads to the search.
(() => {
  "use strict";

  const PAUSE = 300; // milliseconds without a key before a word is searched for

  const form = () => document.getElementById("find");
  const words = () => document.getElementById("q");
  let timer = 0;
  let isTakenBack = false; // whether what was pressed last is about to go from the page

  const search = () => {
    clearTimeout(timer);
    form()?.requestSubmit();
  };

  document.addEventListener("input", (event) => {
    if (event.target.id === "q") {
      clearTimeout(timer);
      timer = setTimeout(search, PAUSE);
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.form && event.target.form === form() && event.target.id !== "q") {
      search();
    }
  });

  document.addEventListener("submit", () => clearTimeout(timer));

  const isTyping = (element) =>
    element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio])");

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "/" && words() && !isTyping(event.target)) {
      event.preventDefault();
      words().focus();
      words().select();
    } else if (event.key === "Escape") {
      leave(event);
    }
  });

  // Escape empties the search, and then leaves it.
  const leave = (event) => {
    if (event.target.id === "q") {
      event.preventDefault();
      if (words().value) {
        words().value = "";
        search();
      } else {
        words().blur();
      }
    }
  };

  document.addEventListener("click", (event) => {
    isTakenBack = Boolean(event.target.closest(".chips"));
  });

  // Whoever takes filters back by keyboard goes on with the next one.
  document.addEventListener("htmx:afterSwap", () => {
    if (isTakenBack && document.activeElement === document.body) {
      (document.querySelector(".chips a") ?? document.getElementById("results"))?.focus({ preventScroll: true });
    }
    isTakenBack = false;
  });
})();
