// Puts the page together: connection, views of the chosen sources, insets, panel.

import { Connection } from "./connection.js";
import { freshness } from "./freshness.js";
import { milliseconds, shortName } from "./format.js";
import { Insets } from "./insets.js";
import { LEVELS, Panel } from "./panel.js";
import { make, put } from "./elements.js";
import { View } from "./view.js";

const TICK = 250;
const byId = (id) => document.getElementById(id);

const panel = new Panel();
const insets = new Insets(byId("insets"), ({ view, x, y, id }) => view.lookAt(x, y, id));
const views = [];
let chosen = null; // place of a source, or null for all
let notice = null;
let noticeAt = 0;

const connection = new Connection({ onNotice, onPicture, onChange });

// The device's monotonic clock now, ms.
const clock = () => (notice ? notice.stream.now_ns / 1e6 + (performance.now() - noticeAt) : 0);

function shownViews() {
  return views.filter((view) => chosen === null || view.place === chosen);
}

function onNotice(news) {
  const restarted = notice && notice.stream.started_ns !== news.stream.started_ns;
  if (restarted) views.forEach((view) => view.forget());
  notice = news;
  noticeAt = performance.now();
  if (news.stream.sources.length !== views.length) arrange(news.stream.sources);
  paintTabs(news.stream.sources);
  panel.show(news, chosen);
  tick();
}

function onPicture(head, bitmap) {
  const view = views[head.source];
  if (!view) {
    bitmap.close();
    return;
  }
  view.show(head, bitmap);
}

function onChange(state) {
  const words = { live: ["Connected", "good"], lost: ["Reconnecting", "bad"], full: ["Too many viewers", "warn"], connecting: ["Connecting", "unknown"] };
  const [text, level] = words[state];
  put(byId("connection"), text);
  byId("connection").dataset.level = level;
  if (state !== "live") {
    put(byId("health"), "Unknown");
    byId("health").dataset.level = "unknown";
    panel.alert([state === "full" ? "This device serves its maximum number of viewers. Trying again." : "No connection to the device: the picture and figures are old. Trying again."], "bad");
  }
  tick();
}

function arrange(sources) {
  while (views.length > sources.length) views.pop().element.remove();
  while (views.length < sources.length) {
    const view = new View(views.length);
    view.onDrawn = showInsets;
    views.push(view);
  }
  const names = [...(sources.length > 1 ? ["All"] : []), ...sources.map((source) => shortName(source.source))];
  byId("tabs").hidden = sources.length < 2;
  byId("tabs").replaceChildren(
    ...names.map((name, index) => {
      const button = make("button", { type: "button", title: index ? sources[index - 1].source : "All sources side by side" });
      if (index) button.append(make("i"));
      button.append(make("span", {}, name));
      button.onclick = () => choose(index ? index - 1 : null);
      return button;
    }),
  );
  if (chosen !== null && chosen >= sources.length) chosen = null;
  choose(chosen);
}

function choose(place) {
  chosen = place;
  const shown = shownViews();
  const tiles = byId("tiles");
  tiles.dataset.count = shown.length > 2 ? "many" : String(shown.length);
  tiles.replaceChildren(...shown.map((view) => view.element));
  wish();
  paintTabs(notice.stream.sources);
  panel.show(notice, chosen);
  tick();
}

function wish() {
  connection.want(document.hidden ? [] : shownViews().map((view) => view.place));
}

function paintTabs(sources) {
  [...byId("tabs").children].forEach((button, index) => {
    button.setAttribute("aria-pressed", String(chosen === (index ? index - 1 : null)));
    if (index && sources[index - 1]) button.firstChild.dataset.level = LEVELS[sources[index - 1].state];
  });
}

// Time passes without messages too: ages grow, pictures become old.
function tick() {
  if (!notice) return;
  const ages = [];
  for (const view of shownViews()) {
    const source = notice.stream.sources[view.place];
    const truth = freshness({ connection: connection.state, source, head: view.head, clock, hidden: document.hidden });
    view.tell(source, truth);
    if (!truth.old) ages.push(truth.ageMs);
  }
  byId("insets").classList.toggle("old", !ages.length);
  panel.set("age", milliseconds(ages.length ? Math.min(...ages) : null));
}

function showInsets() {
  const found = insets.show(shownViews());
  put(byId("target-count"), String(found));
  byId("no-targets").hidden = found > 0;
}

document.addEventListener("visibilitychange", wish);
setInterval(tick, TICK);
