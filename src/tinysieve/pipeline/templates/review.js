"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (name) => document.getElementById(name);
  // Maps, not objects: a class may be called as something that every object has.
  const WORDS = new Map(data.choices.map((choice) => [choice.word, choice.name]));
  const KEYS = new Map(data.choices.flatMap((choice) => choice.keys.map((key) => [key, choice.word])));
  const cards = data.cards.map(([id, name, width, height, label, proposed, hardness, reasons, boxes], number) => (
    { id, name, width, height, label, proposed, hardness, reasons: reasons.map((one) => data.reasons[one]), boxes, number }));
  const numberOf = new Map(cards.map((card) => [card.id, card.number]));
  const decided = new Map();
  const history = [];
  let listed = cards.map((card) => card.number);
  let page = 0;
  let current = 0;

  // Where decisions are kept: with the server that made the page, or in this browser where it was opened as a file.
  const server = (() => {
    const waiting = [];
    let sending = false;
    const tell = () => state(waiting.length ? "busy" : "fine", waiting.length ? `Saving ${waiting.length} …` : "All saved");
    async function pump() {
      if (sending) return;
      sending = true;
      while (waiting.length) {
        let answer = null;
        try {
          answer = await fetch("decide", { method: "POST", body: JSON.stringify(waiting[0]),
            headers: { "Content-Type": "application/json", "X-Review-Token": data.token } });
        } catch { /* told below */ }
        if (answer && answer.ok) { waiting.shift(); tell(); continue; }
        const why = answer ? (await answer.text()).trim() : "the server does not answer";
        state("lost", `${waiting.length} not saved: ${why}. Trying again …`);
        await new Promise((done) => setTimeout(done, 1500));
      }
      sending = false;
    }
    addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });
    return {
      begin() { data.decided.forEach(([id, word]) => decided.set(id, { word, at: "" })); tell(); },
      keep(id, word) { waiting.push({ sample_id: id, decision: word || "undo" }); tell(); pump(); },
    };
  })();

  const browser = (() => {
    const key = `tinysieve-review:${data.key}`;
    const tell = (fine) => (fine ? state("fine", "Kept in this browser; download to hand them on")
      : state("lost", "This browser keeps nothing: download before you close the page"));
    return {
      begin() {
        byId("download").hidden = false;
        try {
          JSON.parse(localStorage.getItem(key) || "[]").forEach(([id, word, at]) => {
            if (numberOf.has(id) && WORDS.has(word)) decided.set(id, { word, at });
          });
          tell(true);
        } catch { tell(false); }
      },
      keep() {
        try {
          localStorage.setItem(key, JSON.stringify([...decided].map(([id, one]) => [id, one.word, one.at])));
          tell(true);
        } catch { tell(false); }
      },
    };
  })();
  const keeper = data.token ? server : browser;

  function state(kind, words) {
    const line = byId("saved");
    line.dataset.state = kind;
    if (line.textContent !== words) line.textContent = words;
  }

  function make(tag, properties, ...children) {
    const one = Object.assign(document.createElement(tag), properties);
    one.append(...children);
    return one;
  }

  function drawing(tag, attributes) {
    const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => one.setAttribute(name, value));
    return one;
  }

  function shot(card, source, height) {
    const image = make("img", { src: source.replace("#", card.number), width: card.width, height: card.height,
      loading: "lazy", decoding: "async", alt: card.name });
    const frame = make("span", { className: "shot" }, image);
    frame.style.aspectRatio = `${card.width} / ${card.height}`;
    frame.style.width = `min(100%, calc(${height} * ${card.width / card.height}))`;
    if (card.boxes.length) {
      const over = drawing("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
      card.boxes.forEach(([x, y, width, height]) => ["edge", "line"].forEach((kind) => (
        over.append(drawing("rect", { x, y, width, height, class: kind })))));
      frame.append(over);
    }
    return frame;
  }

  const labelled = (card) => (card.label === "dropped" ? "dropped" : card.label ? `labelled ${card.label}` : "no label");
  const leaning = (card) => (card.proposed ? `filters lean to ${card.proposed}` : "filters agree on no label");
  function boxed(card) {
    const surest = Math.max(...card.boxes.map((box) => box[4])).toFixed(2);
    return `${card.boxes.length} box${card.boxes.length > 1 ? "es" : ""}, ${surest} at most`;
  }

  function choices(card, inTabOrder) {
    return [...WORDS].map(([word, name]) => {
      const button = make("button", { type: "button", tabIndex: inTabOrder ? 0 : -1 }, name);
      button.dataset.word = word;
      button.setAttribute("aria-label", `${name}: ${card.name}`);
      button.setAttribute("aria-pressed", String((decided.get(card.id) || {}).word === word));
      return button;
    });
  }

  function draw(card) {
    const item = make("article", { className: "card", tabIndex: -1 });
    item.dataset.number = card.number;
    item.dataset.hardness = card.hardness;
    const words = make("div", { className: "words" },
      make("p", { className: "top" }, labelled(card)), make("p", {}, leaning(card)),
      ...card.reasons.map((line) => make("p", { className: "reason" }, line)));
    if (card.boxes.length) words.append(make("p", { className: "reason" }, boxed(card)));
    words.append(make("p", { className: "file" }, card.name));
    item.append(make("div", { className: "plate" }, shot(card, data.thumbnail, "var(--plate)")),
      make("span", { className: "hardness" }, card.hardness), words,
      make("div", { className: "decide" }, ...choices(card, false)));
    describe(item, card);
    return make("li", {}, item);
  }

  function describe(item, card) {
    const word = (decided.get(card.id) || {}).word;
    if (word) item.dataset.decision = word; else delete item.dataset.decision;
    item.querySelectorAll("[data-word]").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.word === word)));
    item.setAttribute("aria-label", [`${card.number + 1} of ${cards.length}`, card.name, labelled(card), leaning(card),
      `${card.hardness}`, ...card.reasons, word ? `decided: ${word}` : "not decided"].join(", "));
  }

  const pages = () => Math.max(1, Math.ceil(listed.length / data.cards_a_page));
  const onPage = () => listed.slice(page * data.cards_a_page, (page + 1) * data.cards_a_page);
  const itemOf = (number) => byId("sheet").querySelector(`[data-number="${number}"]`);

  function turn(to, focusOn) {
    page = Math.min(Math.max(to, 0), pages() - 1);
    byId("sheet").replaceChildren(...onPage().map((number) => draw(cards[number])));
    byId("empty").hidden = listed.length > 0;
    byId("page").value = page + 1;
    byId("last").textContent = pages().toLocaleString("en");
    byId("before").disabled = page === 0;
    byId("after").disabled = page === pages() - 1;
    byId("pages").hidden = pages() === 1;
    scrollTo(0, 0);
    if (listed.length) focusCard(focusOn ?? onPage()[0]);
  }

  function focusCard(number) {
    const before = itemOf(current);
    if (before) { before.tabIndex = -1; before.querySelectorAll("button").forEach((one) => { one.tabIndex = -1; }); }
    current = number;
    const item = itemOf(number);
    if (!item) return;
    item.tabIndex = 0;
    item.querySelectorAll("button").forEach((one) => { one.tabIndex = 0; });
    if (byId("large").open) enlarge(); else item.focus({ focusVisible: true });
    item.scrollIntoView({ block: "nearest" });
  }

  function list() {
    const kind = byId("shown").value;
    listed = cards.filter((card) => kind === "all" || (kind === "open" ? !decided.has(card.id) : card.hardness === kind))
      .map((card) => card.number);
    turn(0);
  }

  function step(by) {
    const place = onPage().indexOf(current) + by;
    if (place >= 0 && place < onPage().length) focusCard(onPage()[place]);
    else if (place < 0 && page > 0) { turn(page - 1); focusCard(onPage()[onPage().length - 1]); }
    else if (place >= onPage().length && page < pages() - 1) turn(page + 1);
    else return false;
    return true;
  }

  // Down from above a last row that is not full: to its last card, not over it to the next page.
  function stepOrToTheEnd(by) {
    const left = onPage().length - 1 - onPage().indexOf(current);
    step(by > 1 && left > 0 ? Math.min(by, left) : by);
  }

  const columns = () => getComputedStyle(byId("sheet")).gridTemplateColumns.split(" ").length;

  function set(id, word) {
    decided.delete(id);
    if (word) decided.set(id, { word, at: new Date().toISOString().replace(/\.\d+Z$/, "+00:00") });
    keeper.keep(id, word);
    const item = itemOf(numberOf.get(id));
    if (item) describe(item, cards[numberOf.get(id)]);
    count();
  }

  function decide(word) {
    const card = cards[current];
    if (!listed.length) return;
    const before = (decided.get(card.id) || {}).word;
    if (before !== word) { history.push([card.id, before]); set(card.id, word); }
    say(`${WORDS.get(word)}: ${card.name}. ${decided.size} of ${cards.length} decided.`);
    if (!step(1)) { say(`${WORDS.get(word)}: ${card.name}. End of the list.`); if (byId("large").open) enlarge(); }
  }

  function undo() {
    const [id, before] = history.pop() || [[...decided.keys()].pop(), undefined];
    if (id === undefined) return say("Nothing to undo.");
    set(id, before);
    const number = numberOf.get(id);
    if (!listed.includes(number)) { byId("shown").value = "all"; list(); }
    const at = Math.floor(listed.indexOf(number) / data.cards_a_page);
    if (at === page) focusCard(number); else turn(at, number);
    say(`Taken back: ${cards[number].name}. ${decided.size} of ${cards.length} decided.`);
  }

  function count() {
    byId("count").textContent = `${decided.size.toLocaleString("en")} of ${cards.length.toLocaleString("en")} decided`;
    byId("progress").value = decided.size;
    byId("undo").disabled = decided.size === 0 && history.length === 0;
  }

  function say(words) { byId("said").textContent = words; }

  // A photo no larger than its thumbnail has no second picture.
  const large = (card) => (Math.max(card.width, card.height) > data.thumbnail_side ? data.photo : data.thumbnail);

  function enlarge() {
    const card = cards[current];
    const dialog = byId("large");
    dialog.dataset.hardness = card.hardness;
    byId("large-picture").replaceChildren(shot(card, large(card), "min(70vh, 60rem)"));
    byId("large-picture").style.width = `min(86vw, calc(min(70vh, 60rem) * ${card.width / card.height}))`;
    byId("large-words").textContent = [labelled(card), leaning(card), ...card.reasons].join(" · ");
    byId("large-decide").replaceChildren(...choices(card, true));
    if (!dialog.open) dialog.showModal();
    // Not its first button: Space is to close it, not to decide.
    dialog.focus();
  }

  function download() {
    // A cell that a spreadsheet would take for a formula: as ground/escaping.py has it, and reads it back.
    const formula = /(^|;)('*[ \t\r\n]*[-=+@\t\r\n\uff1d\uff0b\uff0d\uff20])/g;
    const plain = (text) => text.replace(formula, "$1'$2");
    const quoted = (text) => (/[",;|\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [...decided].map(([id, one]) => [id, one.word, data.reviewer, one.at].map(plain).map(quoted).join(","));
    const file = new Blob([["sample_id,decision,reviewer,at", ...lines].join("\n"), "\n"], { type: "text/csv" });
    const link = make("a", { href: URL.createObjectURL(file), download: "decisions.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (byId("help").open) { if (key === "?") { byId("help").close(); event.preventDefault(); } return; }
    const onButton = event.target.matches("button");
    const place = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1, ArrowDown: columns(), ArrowUp: -columns() }[key];
    if (KEYS.has(key)) decide(KEYS.get(key));
    else if (place) stepOrToTheEnd(place);
    else if (key === "u") undo();
    else if (key === "?") byId("help").showModal();
    else if (key === "[") turn(page - 1);
    else if (key === "]") turn(page + 1);
    else if (key === "Home") focusCard(onPage()[0]);
    else if (key === "End") focusCard(onPage()[onPage().length - 1]);
    else if (key === " " && !onButton && listed.length) { if (byId("large").open) byId("large").close(); else enlarge(); }
    else return;
    event.preventDefault();
  }

  document.addEventListener("keydown", press);
  document.addEventListener("click", (event) => {
    const word = event.target.closest("[data-word]");
    const item = event.target.closest(".card");
    if (item) focusCard(Number(item.dataset.number));
    if (word) decide(word.dataset.word);
    else if (event.target.closest(".plate")) enlarge();
    else if (event.target === byId("large")) byId("large").close();
  });
  byId("large").addEventListener("close", () => focusCard(current));
  byId("shown").addEventListener("change", list);
  byId("page").addEventListener("change", () => turn((Number.parseInt(byId("page").value, 10) || 1) - 1));
  byId("before").addEventListener("click", () => turn(page - 1));
  byId("after").addEventListener("click", () => turn(page + 1));
  byId("undo").addEventListener("click", undo);
  byId("download").addEventListener("click", download);
  byId("help-open").addEventListener("click", () => byId("help").showModal());

  byId("who").textContent = data.reviewer;
  keeper.begin();
  count();
  const open = cards.findIndex((card) => !decided.has(card.id));
  turn(Math.floor(Math.max(open, 0) / data.cards_a_page), Math.max(open, 0));
})();
