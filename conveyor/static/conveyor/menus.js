// Menus close when they are left: by a click elsewhere, or by Escape.
(() => {
  "use strict";

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest("details.menu[open]");
    if (event.key === "Escape" && !event.isComposing && menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
