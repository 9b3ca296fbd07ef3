// What this phone keeps of the inbox and what waits for a signal, as words: the worker (js/worker/)
// does the work. Without it, or without this file, the inbox works as long as there is a signal.
(() => {
  "use strict";
  const panel = document.getElementById("taps");
  if (!panel || !("serviceWorker" in navigator)) return;
  const FIRST_WAIT = 10000; // ms until what waits is tried again; doubled each time
  const LONGEST_WAIT = 5 * 60 * 1000;
  const { account } = panel.dataset;
  const live = () => document.querySelector("#inbox-live, #order-live, [data-live]");
  const bare = (address) => new URL(address, location).pathname.replace(/^\/en(?=\/)/, "");
  const isWaiting = ({ state }) => state === "waiting";
  const plain = (text) => new DOMParser().parseFromString(text, "text/html").body.textContent;
  const copy = document.getElementById("kept-copy"); // says that this page is what the phone kept
  const another = document.getElementById("not-kept"); // and that it is not the one asked for
  const here = location.href.split("#")[0];
  let taps = [];
  const sent = new Set(); // their ids, since this page was asked for
  let wait = FIRST_WAIT;
  let timer = 0;

  const ask = async (question) => {
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage(question);
  };
  const send = () => ask({ ask: "send", address: here });

  // ---- Shown: how many, which, and in the row of each.
  const made = (of) => panel.querySelector(`template[data-of=${of}]`).content.cloneNode(true);
  const count = (of, number) => {
    const place = panel.querySelector(`[data-count=${of}]`);
    const words = place.querySelector("b");
    // Said aloud when it changes, so nothing is written that stands there.
    if (words && words.textContent !== String(number)) words.textContent = number;
    if (place.hidden !== !number) place.hidden = !number;
  };
  const item = (of, words) => {
    const part = made(of);
    part.querySelector("[data-words]").textContent = words;
    return part;
  };
  const refusal = (tap) => {
    const part = item("needs", tap.words);
    const overtaken = [404, 409, 410].includes(tap.status);
    part.querySelector("[data-if=overtaken]").hidden = !overtaken;
    part.querySelector("[data-if=wrong]").hidden = overtaken;
    part.querySelector("[data-said]").textContent = plain(tap.said);
    part.querySelector("a").href = tap.url.replace(/\/[^/]*$/, "");
    part.querySelector("[data-dismiss]").dataset.dismiss = tap.id;
    return part;
  };
  const mark = (place) => {
    const thing = bare(place.dataset.thing);
    const waiting = taps.find((tap) => isWaiting(tap) && tap.thing === thing);
    const shown = place.querySelector("[data-mark]");
    if (!waiting === !shown) return;
    const forms = [...place.querySelectorAll("form[data-queue]")];
    forms.forEach((form) => { (form.closest("details") || form).hidden = Boolean(waiting); });
    if (!waiting) {
      shown.remove();
      return;
    }
    const part = item("mark", waiting.words);
    if (forms.length) forms[0].before(part); else place.append(part);
  };
  const show = () => {
    const of = (state) => taps.filter((tap) => tap.state === state);
    count("waiting", of("waiting").length);
    count("needs", of("needs").length);
    count("sent", sent.size);
    const waiting = of("waiting").map(({ words }) => words).join(", ");
    const items = [...of("needs").map(refusal), ...(waiting ? [item("waiting", waiting)] : [])];
    const list = panel.querySelector("ul");
    list.replaceChildren(...items);
    list.hidden = !items.length;
    document.querySelectorAll("[data-thing]").forEach(mark);
  };

  // ---- Brought up to date, unless somebody is writing there. What was typed into a form that
  // waits has been taken (it is hidden then); into one that was refused, it has not.
  const writing = () => [...document.querySelectorAll("main input, main textarea")].some((field) => (
    field.type !== "hidden" && !field.closest("[hidden]") && field.value !== field.defaultValue));
  let leaving = false;
  addEventListener("beforeunload", () => { leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  const renew = (blocked = writing()) => {
    if (blocked) return;
    const place = live();
    if (!place || (another && !another.hidden)) {
      // Somebody who is on the way to another page is not called back.
      if (!leaving) location.reload();
    } else htmx.ajax("GET", location.pathname + location.search, { target: place, swap: "innerHTML" });
  };
  const again = () => {
    clearTimeout(timer);
    if (!taps.some(isWaiting)) {
      wait = FIRST_WAIT;
      return;
    }
    timer = setTimeout(send, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };

  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (!data || !data.taps) return;
    if (data.kept === here) count("saved", 1);
    const needed = taps.filter(({ state }) => state === "needs").length;
    taps = data.taps.filter((tap) => tap.account === account);
    const mine = data.sent.filter((tap) => (
      tap.account === account && tap.done >= performance.timeOrigin && !sent.has(tap.id)));
    mine.forEach(({ id }) => sent.add(id));
    const blocked = writing();
    show();
    again();
    const refused = taps.filter(({ state }) => state === "needs").length > needed;
    if (mine.length) renew(blocked);
    else if (refused && data.tried) renew();
  });
  panel.addEventListener("click", ({ target }) => {
    const { dismiss } = target.dataset;
    if (dismiss) ask({ ask: "dismiss", id: Number(dismiss) });
  });

  // ---- A tap on a form that may wait is marked for the worker.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const { queue } = detail.elt.dataset;
    if (!queue || !navigator.serviceWorker.controller) return;
    detail.headers["Tap-Account"] = account;
    detail.headers["Tap-Words"] = encodeURIComponent(queue);
  });
  // What is on the screen now is what the phone has to keep.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (!live() || !live().contains(target)) return;
    copy.hidden = true;
    show();
    ask({ ask: "keep", address: here });
  });
  // The poll got through: there is a signal, whatever the browser says.
  document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
    if (!detail.successful || target.id !== "inbox") return;
    if (!copy.hidden) renew();
    if (taps.some(isWaiting)) send();
  });
  addEventListener("online", () => {
    wait = FIRST_WAIT;
    send();
    if (!copy.hidden) renew();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") send();
  });

  const begin = async () => {
    const known = navigator.serviceWorker.controller;
    await navigator.serviceWorker.register("/sw.js");
    // On the first visit, or after a forced reload, this page came past the worker.
    if (!known) await ask({ ask: "adopt", address: here });
    await send();
  };
  begin().catch(() => {});
})();
