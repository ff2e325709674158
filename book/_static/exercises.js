// Exercises that answer back, with no kernel and no network. What a page holds is sealed: see press/page/sealed.py.
(() => {
  "use strict";

  // ------------------------------------------------------------------------------------- SHA-256
  // The browser's own needs a secure context, which a lecture room's plain server is not.
  const K = [];
  const START = [];
  for (let n = 2; K.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    const fraction = (x) => Math.floor((x - Math.floor(x)) * 2 ** 32) | 0;
    if (START.length < 8) START.push(fraction(Math.sqrt(n)));
    K.push(fraction(Math.cbrt(n)));
  }

  const compress = (state, words) => {
    const w = new Int32Array(64);
    w.set(words);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15];
      const b = w[i - 2];
      const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
      const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    return [a, b, c, d, e, f, g, h].map((value, i) => (value + state[i]) | 0);
  };

  const sha256 = (bytes) => {
    const length = (((bytes.length + 8) >> 6) + 1) * 64;
    const padded = new DataView(new ArrayBuffer(length));
    bytes.forEach((byte, i) => padded.setUint8(i, byte));
    padded.setUint8(bytes.length, 0x80);
    padded.setUint32(length - 4, bytes.length * 8);
    let state = START;
    for (let at = 0; at < length; at += 64) {
      const words = new Int32Array(16);
      for (let i = 0; i < 16; i++) words[i] = padded.getInt32(at + 4 * i);
      state = compress(state, words);
    }
    const digest = new DataView(new ArrayBuffer(32));
    state.forEach((word, i) => digest.setInt32(4 * i, word));
    return new Uint8Array(digest.buffer);
  };

  const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

  const pbkdf2 = (password, salt, rounds) => {
    const key = new Uint8Array(64);
    key.set(password.length > 64 ? sha256(password) : password);
    const inner = key.map((byte) => byte ^ 0x36);
    const outer = key.map((byte) => byte ^ 0x5c);
    const hmac = (message) => sha256(joined(outer, sha256(joined(inner, message))));
    let block = hmac(joined(salt, [0, 0, 0, 1]));
    const sum = Uint8Array.from(block);
    for (let round = 1; round < rounds; round++) {
      block = hmac(block);
      for (let i = 0; i < 32; i++) sum[i] ^= block[i];
    }
    return sum;
  };

  // --------------------------------------------------------------------------------------- seals
  const utf8 = (text) => new TextEncoder().encode(text);

  const unseal = (sealed, key) => {
    const bytes = Uint8Array.from(atob(sealed), (c) => c.charCodeAt(0));
    let stream;
    return new TextDecoder().decode(
      bytes.map((byte, i) => {
        const block = i >> 5;
        if (i % 32 === 0) stream = sha256(joined(key, [block >>> 24, (block >>> 16) & 255, (block >>> 8) & 255, block & 255]));
        return byte ^ stream[i % 32];
      }),
    );
  };

  const opened = (exercise, what, sealed) => unseal(sealed, sha256(utf8(`${exercise.salt}|${exercise.name}/${what}`)));

  const boxOf = (exercise, answer) => {
    const key = pbkdf2(utf8(`${exercise.name}|${answer}`), utf8(exercise.salt), exercise.rounds);
    const place = [...key.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const sealed = exercise.boxes[place];
    return sealed === undefined ? null : JSON.parse(unseal(sealed, key.slice(8)));
  };

  // ----------------------------------------------------------------------------------- judgement
  // "−3e2", "19/9": a number; anything else is told what is wanted.
  const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

  const parsed = (text) => {
    const plain = text.trim().replace(/[\u2212\u2013]/g, "-").replace(/\s*\/\s*/, "/");
    const parts = plain.split("/");
    if (parts.length <= 2 && parts.every((part) => NUMBER.test(part))) {
      const value = parts.map(Number).reduce((a, b) => a / b);
      return Number.isFinite(value) ? { value } : { words: "This is infinite: a number was divided by zero." };
    }
    if (/^[-+]?\d+,\d+$/.test(plain)) return { words: "Write a point before the decimals, not a comma." };
    if (/%$/.test(plain)) return { words: "Give a number without the sign for per cent." };
    if (/^[-+]?[.\d]/.test(plain)) return { words: "Give the number alone, without a unit." };
    return { words: "This is no number. Write it like 0.25, 19/9 or 3e-4." };
  };

  const judged = (exercise, text) => {
    if (!text.trim()) return { words: exercise.kind === "choice" ? "Choose an option first." : "Type your answer first." };
    if (exercise.kind === "choice") return boxOf(exercise, text) || { words: "This is none of the options." };
    const { value, words } = parsed(text);
    if (words) return { words };
    const box = boxOf(exercise, String(Math.floor((value - exercise.offset) / exercise.width)));
    if (box) return box;
    if (exercise.within && !(exercise.within[0] <= value && value <= exercise.within[1])) return { words: exercise.outside };
    return { words: opened(exercise, "otherwise", exercise.otherwise) };
  };

  // ------------------------------------------------------------------------------------ progress
  const FORMAT = "medbook exercises 1";
  let chapter = "";
  let progress = {};

  const remember = () => {
    try {
      localStorage.setItem(`medbook:exercises:${chapter}`, JSON.stringify({ format: FORMAT, chapter, answers: progress }));
    } catch {
      // a browser that keeps nothing: the progress lasts as long as the page
    }
  };

  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(`medbook:exercises:${chapter}`));
      return kept && kept.format === FORMAT && kept.answers && typeof kept.answers === "object" ? kept.answers : {};
    } catch {
      return {};
    }
  };

  // ------------------------------------------------------------------------------------ elements
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "html") element.innerHTML = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  const typeset = (element) => {
    const mathjax = window.MathJax;
    if (!element.querySelector(".math") || !mathjax || !mathjax.startup) return;
    mathjax.startup.promise.then(() => mathjax.typesetPromise([element])).catch(() => {});
  };

  const button = (text, onclick, extra = {}) => make("button", { type: "button", class: "medbook-button", onclick, ...extra }, text);

  class Exercise {
    constructor(block, number) {
      this.block = block;
      this.data = JSON.parse(block.querySelector(".medbook-exercise-data").textContent);
      this.hints = 0;
      const id = `exercise-${this.data.name}`;
      this.feedback = make("div", { class: "medbook-feedback", role: "status", "aria-live": "polite", id: `${id}-feedback` });
      this.told = make("ol", { class: "medbook-hints", "aria-live": "polite" });
      this.solution = make("div", { class: "medbook-solution", id: `${id}-solution`, tabindex: "-1", role: "group", "aria-label": "Solution", hidden: "" });
      this.hintButton = button("", () => this.hint());
      this.solutionButton = button("Show the solution", () => this.showSolution(), { "aria-expanded": "false", "aria-controls": `${id}-solution` });
      this.name_hint_button();
      const parts = [make("div", { class: "medbook-exercise-tools" }, this.hintButton, this.solutionButton), this.told, this.solution];
      if (this.data.kind === "code") {
        block.querySelector(".medbook-exercise-still").classList.add("medbook-shown");
        block.append(...parts);
      } else {
        block.append(this.form(id), this.feedback, ...parts);
      }
      block.setAttribute("role", "group");
      block.setAttribute("aria-label", `Answer to ${this.title(number)}`);
      block.classList.add("medbook-is-live");
      typeset(block);
    }

    // "Exercise 7": the heading of the exercise above, whose id is the exercise's name.
    title(number) {
      const posed = document.getElementById(this.data.name);
      const heading = posed && posed.querySelector(".admonition-title");
      return heading ? heading.textContent.trim() : `exercise ${number}`;
    }

    form(id) {
      const submit = make("button", { type: "submit", class: "medbook-button medbook-check" }, "Check");
      const onsubmit = (event) => {
        event.preventDefault();
        this.check(this.typed());
      };
      if (this.data.kind === "choice") {
        const rows = Object.entries(this.data.options).map(([letter, html]) => {
          const radio = make("input", { type: "radio", name: id, value: letter, id: `${id}-${letter}` });
          return make("div", { class: "medbook-option" }, radio, make("label", { for: radio.id, html: `<b>${letter}</b> ${html}` }));
        });
        const fields = make("fieldset", {}, make("legend", { html: this.data.asks }), ...rows);
        return make("form", { novalidate: "", onsubmit }, fields, submit);
      }
      const described = [this.data.unit ? `${id}-unit` : "", this.feedback.id].filter(Boolean).join(" ");
      this.field = make("input", { type: "text", inputmode: "text", autocomplete: "off", spellcheck: "false", id: `${id}-field`, "aria-describedby": described });
      const unit = this.data.unit ? [make("span", { class: "medbook-unit", id: `${id}-unit` }, this.data.unit)] : [];
      return make("form", { novalidate: "", onsubmit }, make("label", { for: this.field.id, html: this.data.asks }),
        make("span", { class: "medbook-entry" }, this.field, ...unit, submit));
    }

    typed() {
      if (this.field) return this.field.value;
      const chosen = this.block.querySelector("input[type=radio]:checked");
      return chosen ? chosen.value : "";
    }

    fill(answer) {
      if (this.field) this.field.value = answer;
      else this.block.querySelectorAll("input[type=radio]").forEach((radio) => (radio.checked = radio.value === answer));
    }

    check(answer, { quiet = false } = {}) {
      const verdict = judged(this.data, answer);
      const right = verdict.right === true;
      this.right = this.right || right;
      this.feedback.className = `medbook-feedback ${right ? "medbook-right" : "medbook-wrong"}`;
      this.feedback.innerHTML = `<b>${right ? "Right." : "Not yet."}</b> ${verdict.words || ""}`;
      if (this.field) this.field.setAttribute("aria-invalid", right ? "false" : "true");
      typeset(this.feedback);
      if (!quiet && (right || !this.right)) {
        progress[this.data.name] = { ...progress[this.data.name], answer };
        remember();
      }
      tally();
    }

    restore(answer) {
      this.right = false;
      this.fill(answer);
      this.check(answer, { quiet: true });
    }

    name_hint_button() {
      const left = this.data.hints.length - this.hints;
      this.hintButton.textContent = left ? `Hint ${this.hints + 1} of ${this.data.hints.length}` : "No more hints";
      if (!left) this.hintButton.setAttribute("aria-disabled", "true");
    }

    hint() {
      if (this.hints >= this.data.hints.length) return;
      const html = opened(this.data, `hint/${this.hints}`, this.data.hints[this.hints]);
      this.told.append(make("li", { html }));
      typeset(this.told);
      this.hints += 1;
      this.name_hint_button();
    }

    showSolution() {
      const shut = this.solution.hidden;
      if (shut && !this.solution.firstChild) {
        this.solution.innerHTML = opened(this.data, "solution", this.data.solution);
        typeset(this.solution);
      }
      this.solution.hidden = !shut;
      this.solutionButton.setAttribute("aria-expanded", String(shut));
      this.solutionButton.textContent = shut ? "Hide the solution" : "Show the solution";
      if (shut) this.solution.focus();
    }
  }

  // ------------------------------------------------------------------------------ the whole page
  let exercises = [];
  let counter = null;
  let note = null;

  const tally = () => {
    const asked = exercises.filter((exercise) => exercise.data.kind !== "code");
    const right = asked.filter((exercise) => exercise.right).length;
    if (counter) counter.textContent = `${right} of ${asked.length} answered right`;
  };

  const exported = () => {
    const text = JSON.stringify({ format: FORMAT, chapter, answers: progress }, null, 2) + "\n";
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: `${chapter.split("/").pop()}-progress.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 0);
    note.textContent = "Your progress was saved to a file.";
  };

  const imported = (text) => {
    let found;
    try {
      found = JSON.parse(text);
    } catch {
      return "This file is no progress: it is not JSON.";
    }
    if (!found || found.format !== FORMAT || typeof found.answers !== "object" || !found.answers) return "This file is no progress of this book.";
    if (found.chapter !== chapter) return `This is the progress of ${found.chapter}; open it on that chapter's page.`;
    let taken = 0;
    exercises.forEach((exercise) => {
      const kept = found.answers[exercise.data.name];
      if (exercise.data.kind === "code" || !kept || typeof kept.answer !== "string") return;
      progress[exercise.data.name] = { answer: kept.answer };
      exercise.restore(kept.answer);
      taken += 1;
    });
    remember();
    return `Answers taken from the file: ${taken}.`;
  };

  const panel = () => {
    counter = make("strong", { role: "status", "aria-live": "polite" });
    note = make("span", { class: "medbook-note", role: "status", "aria-live": "polite" });
    const file = make("input", { type: "file", accept: ".json,application/json", hidden: "", "aria-hidden": "true", tabindex: "-1" });
    file.addEventListener("change", () => {
      if (!file.files.length) return;
      file.files[0].text().then((text) => {
        note.textContent = imported(text);
        file.value = "";
      });
    });
    return make("div", { class: "medbook-progress", role: "group", "aria-label": "Your progress in this chapter" }, counter,
      button("Export progress", exported), button("Import progress", () => file.click()), file, note);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const blocks = [...document.querySelectorAll(".medbook-exercise")];
    if (!blocks.length) return;
    exercises = blocks.map((block, i) => new Exercise(block, i + 1));
    chapter = exercises[0].data.chapter;
    progress = recall();
    if (exercises.some((exercise) => exercise.data.kind !== "code")) {
      const section = blocks[0].closest("section");
      const heading = section && section.querySelector("h1, h2, h3");
      if (heading) heading.after(panel());
      else blocks[0].before(panel());
    }
    exercises.forEach((exercise) => {
      const kept = progress[exercise.data.name];
      if (exercise.data.kind !== "code" && kept && typeof kept.answer === "string") exercise.restore(kept.answer);
    });
    tally();
  });
})();
