// Selecting droplets in the list: how many are ticked, and one box that ticks all of the page.
(() => {
  "use strict";

  const boxes = () => [...document.querySelectorAll(".tick")];

  const show = () => {
    const all = document.getElementById("tick-all");
    if (!all) {
      return;
    }
    const ticked = boxes().filter((box) => box.checked).length;
    all.closest("label").hidden = false;
    all.checked = ticked > 0 && ticked === boxes().length;
    all.indeterminate = ticked > 0 && !all.checked;
    document.getElementById("ticked").textContent = ticked ? `${ticked} selected` : "";
  };

  document.addEventListener("change", (event) => {
    if (event.target.id === "tick-all") {
      for (const box of boxes()) {
        box.checked = event.target.checked;
      }
    }
    if (event.target.matches(".tick, #tick-all")) {
      document.getElementById("act-which").value = "ticked";
      show();
    }
  });

  document.addEventListener("htmx:afterSettle", show);
  show();
})();
