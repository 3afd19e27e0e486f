// Buttons that copy: [data-copy] has the text. They show only where this runs, also those that come with a later swap.
(() => {
  "use strict";

  const show = (root) => {
    for (const button of root.querySelectorAll("[data-copy][hidden]")) {
      button.hidden = false;
    }
  };

  const said = document.createElement("div");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");

  const say = (words) => {
    document.body.append(said); // where it was, unless the page has been replaced meanwhile
    said.textContent = words;
  };

  const write = async (text) => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return;
    }
    // Without HTTPS there is no clipboard but this one.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    focused.focus();
    if (!isDone) {
      throw new Error("not copied");
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || button.disabled) {
      return;
    }
    const label = button.firstChild;
    const words = button.dataset.words || label.data;
    button.dataset.words = words;
    try {
      await write(button.dataset.copy);
      label.data = "Copied";
      button.classList.add("copied");
    } catch {
      label.data = "Not copied";
    }
    say(label.data);
    setTimeout(() => {
      label.data = words;
      button.classList.remove("copied");
      said.textContent = "";
    }, 1500);
  });

  say("");
  show(document);
  document.addEventListener("htmx:afterSwap", () => show(document));
})();
