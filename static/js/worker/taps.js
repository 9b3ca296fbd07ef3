// A producer's phone, 2 of 3: taps. Each is written down before it is sent, and leaves only when
// the server has decided: done, or refused, which the person has to see. Nothing is applied
// blindly: the form says which state was seen, and its key makes one of what is sent twice.

const LONGEST = 20000; // ms for an answer to a tap; what comes later is asked for again
const LONGEST_SEEN = 8000; // ms until a page says that its tap waits
const LATELY = 60000; // ms for which pages are told again what was sent
const AGAIN = [401, 408, 425, 429]; // and from 500 on: nothing was decided, so the tap waits

const within = (time) => (AbortSignal.timeout ? AbortSignal.timeout(time) : undefined);
const isWaiting = ({ state }) => state === "waiting";

const taps = (mode, act) => new Promise((resolve, reject) => {
  const opening = indexedDB.open("taps", 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("taps", { keyPath: "id", autoIncrement: true });
  };
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    // strict: on the disk, so that an empty battery loses nothing.
    const deal = opening.result.transaction("taps", mode, { durability: "strict" });
    const asked = act(deal.objectStore("taps"));
    deal.oncomplete = () => { opening.result.close(); resolve(asked.result); };
    deal.onabort = () => { opening.result.close(); reject(deal.error); };
  };
});
// In the order in which they were tapped.
const allTaps = () => taps("readonly", (store) => store.getAll());
const write = (tap) => taps("readwrite", (store) => store.put(tap));
const remove = (tap) => taps("readwrite", (store) => store.delete(tap.id));
const eraseTaps = async (but) => {
  for (const tap of await allTaps()) if (tap.account !== but) await remove(tap);
};

// What was sent lately is told again: a page that was on its way then shows its order as it was.
let sentLately = [];
const tell = async (news) => {
  const waiting = await allTaps().catch(() => []);
  sentLately = sentLately.filter(({ done }) => Date.now() - done < LATELY);
  const pages = await self.clients.matchAll({ type: "window" });
  pages.forEach((page) => page.postMessage({ taps: waiting, sent: sentLately, ...news }));
};

// Whose session this is: { account, csrf_token }; account is null when it is over or no producer's.
// Raises without a signal. What another account has left here is erased.
const askSession = async () => {
  const answer = await fetch("/inbox/session", {
    headers: { "HX-Request": "true" }, cache: "no-store", signal: within(LONGEST),
  });
  if (answer.status >= 500 || answer.status === 429) throw new Error("busy");
  const found = answer.status === 200 ? await answer.json() : { account: null };
  if (!found.account) await erasePages();
  if (found.account || answer.status === 403) await eraseTaps(found.account);
  return found;
};

const post = (tap, token) => {
  const fields = new URLSearchParams(tap.fields);
  if (token) fields.set("csrf_token", token);
  return fetch(tap.url, {
    method: "POST",
    body: fields,
    headers: { ...tap.headers, "Idempotency-Key": tap.key, "HX-Request": "true" },
    signal: within(LONGEST),
  });
};
// The server's words in a refusal, as text with entities.
const wordsOf = (html) => {
  const [, said] = /role="alert"[^>]*>([\s\S]*?)<\/(?:p|div)>/.exec(html) || [];
  const text = (said || "").replace(/<h2>[\s\S]*?<\/h2>/, "").replace(/<[^>]*>/g, " ");
  return text.replace(/\s+/g, " ").trim();
};

// Sends what waits, oldest first, until one has to wait on. `asking` is of a tap whose page still
// waits for the answer (open) and shows it itself; its own token is tried before one is asked for.
const sendAll = async (asking) => {
  const outcome = { sent: [] };
  const held = new Set(); // things of which an earlier tap was refused: the later ones rest on it
  let session = null;
  const foreign = (tap) => {
    if (!session || session.account === tap.account) return false;
    outcome[session.account ? "another" : "over"] = true;
    return true;
  };
  try {
    for (const tap of (await allTaps()).filter(isWaiting)) {
      const mine = () => Boolean(asking) && asking.open && asking.id === tap.id;
      if (held.has(tap.thing)) {
        await write({ ...tap, state: "needs", status: 409, said: "" });
        continue;
      }
      if (!mine() && !session) session = await askSession();
      if (foreign(tap)) break;
      let answer = await post(tap, session && session.csrf_token);
      if (answer.status === 400) {
        // A token belongs to one session, so what was tapped under another is refused. Whose is it?
        session = await askSession();
        if (foreign(tap)) break;
        answer = await post(tap, session.csrf_token);
      }
      if ((answer.headers.get("HX-Redirect") || "").includes("/sign-in")) {
        await erasePages();
        outcome.over = true;
        break;
      }
      if (answer.status >= 500 || AGAIN.includes(answer.status)) break;
      if (mine()) outcome.answer = answer;
      if (answer.ok) {
        await remove(tap);
        if (!mine()) outcome.sent.push({ ...tap, done: Date.now() });
      } else if (mine() && (await self.clients.get(tap.client))) {
        await remove(tap); // the person sees the refusal on the page
      } else {
        held.add(tap.thing);
        const said = wordsOf(await answer.clone().text());
        await write({ ...tap, state: "needs", status: answer.status, said });
      }
    }
  } catch { /* no signal, or no answer in time: it waits, and the same key makes it one */ }
  return outcome;
};
// One sender at a time: all tabs ask this worker, and the lock is for an older one on its way out.
let turn = Promise.resolve();
const send = (asking) => {
  const all = () => sendAll(asking);
  const run = () => (navigator.locks ? navigator.locks.request("taps", all) : all());
  const mine = turn.then(run);
  turn = mine.catch(() => {});
  return mine.then(async (outcome) => {
    const { sent } = outcome;
    sentLately.push(...sent);
    const pages = await self.clients.matchAll({ type: "window" });
    if (sent.length && !pages.length) await renew(sent);
    await tell({ tried: true });
    return outcome;
  });
};
// Sent while nobody looks: what is kept still shows the orders as they were.
const renew = async (sent) => {
  for (const name of await pageCaches()) {
    const cache = await caches.open(name);
    const old = (await cache.keys()).map(({ url }) => url);
    const lists = old.filter((url) => bare(url) === "/inbox");
    const things = old.filter((url) => sent.some(({ thing }) => thing === bare(url)));
    for (const url of [...things, ...lists]) await fetchAndKeep(url).catch(() => {});
  }
};
// The worker's answer to a page's tap: the server's, or nothing (204), and then the tap waits.
const tap = async (event) => {
  const { request } = event;
  const fields = await request.clone().text();
  const header = (name) => request.headers.get(name) || "";
  const fresh = {
    account: header("Tap-Account"),
    words: decodeURIComponent(header("Tap-Words")),
    key: new URLSearchParams(fields).get("idempotency_key") || crypto.randomUUID(),
    url: request.url,
    thing: bare(request.url).replace(/\/[^/]*$/, ""),
    fields,
    headers: { "HX-Target": header("HX-Target"), "HX-Current-URL": header("HX-Current-URL") },
    client: event.clientId,
    at: Date.now(),
    state: "waiting",
  };
  const asking = { id: null, open: true };
  try {
    const same = ({ key, fields: said }) => key === fresh.key && said === fields;
    const known = (await allTaps()).filter(isWaiting).find(same);
    asking.id = known ? known.id : await write(fresh);
  } catch {
    return fetch(request); // a browser that keeps nothing: as without this worker
  }
  const sending = send(asking);
  event.waitUntil(sending.catch(() => {}));
  const outcome = (await Promise.race([sending, later(LONGEST_SEEN)])) || {};
  asking.open = false;
  if (outcome.answer) return outcome.answer;
  const headers = {};
  if (outcome.over) {
    const home = prefix(request.url);
    headers["HX-Redirect"] = `${home}/sign-in?next=${home}/inbox`;
  } else if (outcome.another) {
    headers["HX-Refresh"] = "true";
  } else {
    await tell({});
    // The browser wakes this worker when there is a signal, even with no page open, where it can.
    await self.registration.sync?.register("taps").catch(() => {});
  }
  return new Response(null, { status: 204, headers });
};
