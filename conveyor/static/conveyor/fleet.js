// Finding in the fleet: ticking a filter and typing search at once, "/" leads to the search, menus close when left.
(() => {
  "use strict";

  const PAUSE = 300; // milliseconds without a key before a word is searched for

  const form = () => document.getElementById("find");
  const words = () => document.getElementById("q");
  let timer = 0;

  document.addEventListener("input", (event) => {
    if (event.target.id === "q") {
      clearTimeout(timer);
      timer = setTimeout(() => form()?.requestSubmit(), PAUSE);
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.form && event.target.form === form() && event.target.type === "checkbox") {
      clearTimeout(timer);
      form().requestSubmit();
    }
  });

  const isTyping = (element) =>
    element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "/" && words() && !isTyping(event.target)) {
      event.preventDefault();
      words().focus();
      words().select();
    } else if (event.key === "Escape") {
      const menu = event.target.closest("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      } else if (event.target.id === "q" && !event.target.value) {
        event.target.blur();
      }
    }
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });
})();
