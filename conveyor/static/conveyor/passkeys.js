// The passkey button of a page, by allauth's mfa/js/webauthn.js. Without a script it stays hidden.
// The form's data-passkey names allauth's function for it.
(() => {
  "use strict";

  const form = document.querySelector("form[data-passkey]");
  const button = form && form.querySelector("[data-passkey-button]");
  if (!button) {
    return;
  }
  const problem = form.querySelector("[data-passkey-problem]");

  const WORDS = {
    NotAllowedError: "No passkey was used. Try again, or choose another way.",
    InvalidStateError: "This device already has a passkey for your account.",
    SecurityError: "Passkeys do not work at this address. Open Conveyor by its host name.",
  };

  const say = (words) => {
    problem.firstElementChild.textContent = words;
    problem.hidden = !words;
  };

  if (!window.PublicKeyCredential) {
    say("Passkeys do not work here: they need HTTPS and a browser that knows them.");
    return;
  }

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault(); // allauth would write it to the console
    say(WORDS[event.detail.exception.name] || "That did not work. Wait a minute and try again.");
  });

  // Enter in a field is the button too: without a passkey's answer there is nothing to send.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.click();
  });
  button.addEventListener("click", () => say(""));
  window.allauth.webauthn.forms[form.dataset.passkey]({
    ids: {
      add: button.id,
      authenticate: button.id,
      login: button.id,
      credential: form.elements.credential.id,
      passwordless: "id_passwordless",
      data: "passkey_options",
    },
  });
  button.hidden = false;
})();
