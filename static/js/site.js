// What HTMX cannot do. Every page works without this file.
(() => {
  "use strict";
  const LONGEST_WAIT = 10000; // ms: a form is never locked for longer, whatever happens
  const NOTED = 2000; // ms that a copy button says so

  // A form that is being sent is not sent again.
  const busy = (form) => form.getAttribute("aria-busy") === "true";
  const free = (form) => form.removeAttribute("aria-busy");
  const occupy = (form) => {
    form.setAttribute("aria-busy", "true");
    setTimeout(free, LONGEST_WAIT, form);
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (busy(form)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (form.getAttribute("method") === "post" && !form.hasAttribute("hx-post")) {
      occupy(form);
    }
  }, true);
  // What was shown of a password is sent, and kept by the browser, as one.
  document.addEventListener("submit", ({ target }) => {
    target.querySelectorAll("[data-reveal][aria-pressed=true]").forEach((shown) => shown.click());
  }, true);
  document.addEventListener("htmx:beforeRequest", ({ target }) => {
    if (target.matches("form[method=post]")) occupy(target);
  });
  document.addEventListener("htmx:afterRequest", ({ target }) => {
    if (target.matches("form")) free(target);
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[aria-busy]").forEach(free);
  });

  // The tab that one is on stands in view, however many there are beside it.
  document.querySelectorAll(".tabs [aria-current]").forEach((tab) => {
    const bar = tab.closest(".tabs");
    const row = [bar, tab.closest("ul")].find((box) => box.scrollWidth > box.clientWidth);
    if (!row) return;
    const hidden = tab.getBoundingClientRect().right - row.getBoundingClientRect().right;
    if (hidden > 0) row.scrollLeft += hidden + 24;
  });

  // No signal: said where notices are said. Polls and slots that load by themselves stay silent.
  const asked = (event) => Boolean(event.detail.requestConfig.triggeringEvent);
  const say = (event) => {
    const place = document.getElementById("notices");
    if (!place || !asked(event)) return;
    const notice = document.createElement("p");
    notice.className = "notice wrong";
    notice.textContent = place.dataset.offline;
    place.replaceChildren(notice);
    place.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("htmx:sendError", say);
  document.addEventListener("htmx:timeout", say);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.isError && !asked(event)) event.detail.shouldSwap = false;
  });

  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain http in a village's own network: browsers give no clipboard there.
    const box = document.createElement("textarea");
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  };
  // A phone may be another person's next: what this tab has kept goes with whoever signs out.
  document.addEventListener("submit", ({ target }) => {
    if (new URL(target.action).pathname.endsWith("/sign-out")) {
      try { sessionStorage.clear(); } catch { /* a browser that keeps nothing */ }
    }
  });
  document.addEventListener("click", (event) => {
    const copier = event.target.closest("[data-copy]");
    if (copier) {
      copy(copier.dataset.copy).then(() => {
        const before = copier.dataset.label || copier.textContent;
        copier.dataset.label = before;
        copier.textContent = copier.dataset.copied;
        setTimeout(() => { copier.textContent = before; }, NOTED);
      });
    }
    const revealer = event.target.closest("[data-reveal]");
    if (revealer) {
      const input = document.getElementById(revealer.getAttribute("aria-controls"));
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      revealer.setAttribute("aria-pressed", String(!shown));
    }
    const step = event.target.closest("[data-step]");
    if (step) {
      const input = step.parentElement.querySelector("input");
      const before = input.value;
      if (step.dataset.step > 0) input.stepUp(); else input.stepDown();
      if (input.value === before) return;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
})();
