// A producer's phone, 1 of 3: keeps the pages of the inbox for reading without a signal. The worker
// is these three files, one after another (notices/views.py). Why it is so: docs/adr/0024.
"use strict";

const VERSION = "1"; // of what is kept: another one begins with nothing
const PAGES = `inbox ${VERSION} `; // and whose: one cache for the account that was here last
const ASSETS = `assets ${VERSION}`;
const PATIENCE = 4000; // ms for a page that is kept, before its copy is shown
const OLDEST = 7 * 24 * 60 * 60 * 1000; // ms that a page with a buyer's address is kept
const MOST = { list: 10, page: 30, asset: 40 };

const pathOf = (address) => new URL(address, self.location).pathname;
const prefix = (address) => (/^\/en(\/|$)/.test(pathOf(address)) ? "/en" : "");
const bare = (address) => pathOf(address).slice(prefix(address).length) || "/";
const later = (time) => new Promise((resolve) => { setTimeout(resolve, time, null); });

// Kept are the pages that have #taps, which only a signed-in producer's have.
let era = 0; // a page that was asked for before all was erased is not kept after it

const isFresh = (copy) => Boolean(copy) && Date.now() - copy.headers.get("Kept-At") < OLDEST;
const pageCaches = async () => (await caches.keys()).filter((name) => name.startsWith(PAGES));
const erasePages = async () => {
  era += 1;
  await Promise.all((await pageCaches()).map((name) => caches.delete(name)));
};
const trim = async (cache, keys, most) => {
  await Promise.all(keys.slice(0, Math.max(0, keys.length - most)).map((key) => cache.delete(key)));
};
const keepAssets = async (addresses) => {
  const cache = await caches.open(ASSETS);
  await Promise.all(addresses.map(async (address) => {
    if (!(await cache.match(address))) await cache.add(address);
  }));
  const others = (await cache.keys()).filter(({ url }) => !addresses.includes(pathOf(url)));
  await trim(cache, others, MOST.asset);
};

const keep = async (address, answer, began) => {
  const html = await answer.text();
  const whose = /id="taps"[^>]*data-kind="(\w+)"[^>]*data-account="(\w+)"/;
  const [, kind, account] = whose.exec(html) || [];
  if (!account || began !== era) return;
  const name = PAGES + account;
  for (const other of await pageCaches()) if (other !== name) await caches.delete(other);
  const headers = new Headers(answer.headers);
  headers.delete("Content-Encoding");
  headers.set("Kept-At", Date.now());
  headers.set("Kept-As", kind);
  await keepAssets([...new Set(html.match(/\/assets\/[\w./-]+/g))]);
  const cache = await caches.open(name);
  const place = address.split("#")[0];
  await cache.delete(place); // so that the latest is the last
  await cache.put(place, new Response(html, { headers }));
  if (began !== era) { await caches.delete(name); return; }
  const kinds = { list: [], page: [] };
  for (const key of await cache.keys()) {
    const copy = await cache.match(key);
    if (isFresh(copy)) kinds[copy.headers.get("Kept-As")].push(key);
    else await cache.delete(key);
  }
  await trim(cache, kinds.list, MOST.list);
  await trim(cache, kinds.page, MOST.page);
  await tell({ kept: place });
};
const fetchAndKeep = async (address) => {
  const began = era;
  const answer = await fetch(address, { redirect: "manual" });
  await note(address, answer, began);
};
// What a page's answer says of what is kept.
const note = async (address, answer, began) => {
  // Sent elsewhere, or refused: is the session over? Then the question erases what is kept.
  if (answer.type === "opaqueredirect" || [401, 403].includes(answer.status)) await askSession();
  else if (answer.status === 404) {
    for (const name of await pageCaches()) await (await caches.open(name)).delete(address);
  } else if (answer.ok) await keep(address, answer, began);
};

// The kept copy of a page, with its words on that; `list`: else the latest list in this language.
const keptCopy = async (address, list) => {
  const [name] = await pageCaches();
  if (!name) return null;
  const cache = await caches.open(name);
  let copy = await cache.match(address);
  let words = /(id="kept-copy") hidden/;
  if (!isFresh(copy) && list) {
    words = /(id="(?:kept-copy|not-kept)") hidden/g;
    for (const key of await cache.keys()) {
      const other = await cache.match(key);
      const fits = other.headers.get("Kept-As") === "list" && prefix(key.url) === prefix(address);
      if (fits && isFresh(other)) copy = other;
    }
  }
  if (!isFresh(copy)) return null;
  return new Response((await copy.text()).replace(words, "$1"), { headers: copy.headers });
};
const openPage = (event) => {
  const { url } = event.request;
  const began = era;
  const asked = fetch(event.request).then((answer) => [answer, answer.clone()]);
  event.waitUntil(asked.then(([, copy]) => note(url, copy, began)).catch(() => {}));
  const network = asked.then(([answer]) => answer);
  return (async () => {
    const copy = await keptCopy(url, false);
    const answer = network.catch(() => null);
    const first = await (copy ? Promise.race([answer, later(PATIENCE)]) : answer);
    if (first && first.status < 500) return first;
    return copy || first || (await keptCopy(url, true)) || network;
  })();
};

