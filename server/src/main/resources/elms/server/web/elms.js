// The page of Elms. Everything that comes from the model or the user is put in as text, or escaped before it is marked up.

const $ = (id) => document.getElementById(id);
const UNBOUND = 105;
const REMEMBERED = 24;
const REDRAW = 80; // milliseconds
const messages = [];
const history = [];
let running = null;

const escape = (text) => text.replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]);
const millis = (ms) => (ms === null || ms === undefined ? "–" : ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);
const share = (level) => level.toFixed(2);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- Markdown: escaped first, then a small part of it marked up ------------------------------------------------------------

function inline(text) {
  const codes = [];
  return escape(text)
    .replace(/`([^`]+)`/g, (_, code) => `\u0000${codes.push(code) - 1}\u0000`)
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/(^|[^\w*])\*([^*\s][^*]*)\*(?!\w)/g, "$1<em>$2</em>")
    .replace(/\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g, '<a href="$2" rel="noopener noreferrer" target="_blank">$1</a>')
    .replace(/\u0000(\d+)\u0000/g, (_, i) => `<code>${codes[i]}</code>`);
}

function block(lines) {
  const item = /^\s*(?:[-*+]|(\d+)[.)])\s+/;
  if (lines.every((line) => item.test(line) || /^\s{2,}\S/.test(line)) && item.test(lines[0])) {
    const tag = item.exec(lines[0])[1] ? "ol" : "ul";
    const items = [];
    for (const line of lines) {
      if (item.test(line)) items.push(line.replace(item, ""));
      else items[items.length - 1] += ` ${line.trim()}`;
    }
    return `<${tag}>${items.map((text) => `<li>${inline(text)}</li>`).join("")}</${tag}>`;
  }
  const heading = /^#{1,6}\s+(.*)$/.exec(lines[0]);
  if (heading) return `<h4>${inline(heading[1])}</h4>${lines.length > 1 ? block(lines.slice(1)) : ""}`;
  const list = lines.findIndex((line) => item.test(line));
  if (list > 0) return block(lines.slice(0, list)) + block(lines.slice(list));
  return `<p>${lines.map(inline).join("<br>")}</p>`;
}

export function markdown(source) {
  return source.split(/^```/m).map((part, i) => {
    if (i % 2 === 1) return `<pre tabindex="0"><code>${escape(part.replace(/^[^\n]*\n?/, "").replace(/\n$/, ""))}</code></pre>`;
    return part.split(/\n{2,}/).map((text) => text.split("\n").filter((line) => line.trim())).filter((lines) => lines.length)
      .map(block).join("");
  }).join("");
}

// ---- Talking to the server ------------------------------------------------------------------------------------------------

async function call(path, body, signal) {
  const headers = { "Content-Type": "application/json", "x-elms-app": "page" };
  const key = sessionStorage.getItem("key");
  if (key) {
    headers.Authorization = `Bearer ${key}`;
    delete headers["x-elms-app"];
  }
  const response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  if (response.ok) return response;
  if (response.status === 401) $("key").hidden = false;
  const told = await response.json().catch(() => null);
  throw Object.assign(new Error(told?.error?.message ?? `the server answered ${response.status}`), { status: response.status });
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const lines = (rest + next.value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: {")) yield JSON.parse(line.slice(6));
    }
  }
}

// ---- SLO sliders ----------------------------------------------------------------------------------------------------------

const bound = (id) => (Number($(id).value) >= UNBOUND ? undefined : Number($(id).value) / 100);
const slo = () => ({ ttft: bound("ttft"), tpot: bound("tpot") });

function showBounds() {
  for (const id of ["ttft", "tpot"]) {
    const text = bound(id) === undefined ? "no limit" : `${$(id).value} %`;
    $(`${id}-value`).textContent = text;
    $(id).setAttribute("aria-valuetext", bound(id) === undefined ? text : `${text} of the full model's time`);
  }
}

let pending = 0;
function preview() {
  showBounds();
  clearTimeout(pending);
  pending = setTimeout(async () => {
    const draft = [...messages, { role: "user", content: $("prompt").value || "…" }];
    try {
      const { elms } = await (await call("elms/v1/plan", { messages: draft, slo: slo() })).json();
      $("preview").textContent = `Would read at level ${share(elms.prefill_level)} and answer at ${share(elms.decode_level)}: `
        + `first token in ${millis(elms.predicted.ttft_ms)}, then one every ${millis(elms.predicted.tpot_ms)}`
        + (elms.feasible ? "." : ", which is more than you allow.");
    } catch (failure) {
      $("preview").textContent = failure.message;
    }
  }, 250);
}

// ---- The chat -------------------------------------------------------------------------------------------------------------

function turn(role, text) {
  $("welcome").hidden = true;
  const made = element("div", `turn ${role}`, text);
  $("log").append(made);
  made.scrollIntoView({ block: "end" });
  return made;
}

async function ask(text) {
  messages.push({ role: "user", content: text });
  turn("user", text);
  const answer = turn("assistant busy", "");
  const drawing = drawn(answer);
  const asked = messages.slice();
  running = new AbortController();
  $("send").textContent = "Stop";
  let written = "";
  try {
    const body = { messages: asked, stream: true, slo: slo(), elms: { show_text: true } };
    const response = await call("v1/chat/completions", body, running.signal);
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message);
      const choice = event.choices[0];
      if (choice?.delta.content) {
        written += choice.delta.content;
        drawing.show(written);
      }
      if (event.elms) happened(event.elms, asked);
      if (event.elms?.measured) {
        drawing.end();
        finish(answer, event.elms);
      }
    }
  } catch (failure) {
    if (failure.name !== "AbortError") turn("failed", failure.message).setAttribute("role", "alert");
  } finally {
    drawing.end();
    answer.classList.remove("busy");
    if (written) messages.push({ role: "assistant", content: written });
    else {
      messages.pop();
      answer.remove();
    }
    running = null;
    $("send").textContent = "Send";
    preview();
  }
}

// Draws an answer while it comes, at most every REDRAW milliseconds: drawing takes processors from who computes.
function drawn(answer) {
  let text = "", last = -REDRAW, timer = null;
  const draw = () => {
    [timer, last] = [null, performance.now()];
    answer.innerHTML = markdown(text);
    $("log").scrollTop = $("log").scrollHeight;
  };
  return {
    show(written) {
      text = written;
      timer ??= setTimeout(draw, last + REDRAW - performance.now());
    },
    end() {
      if (timer === null) return;
      clearTimeout(timer);
      draw();
    },
  };
}

function finish(answer, elms) {
  const line = `level ${share(elms.prefill_level)} → ${share(elms.decode_level)} · first token ${millis(elms.measured.ttft_ms)}`
    + ` · then one every ${millis(elms.measured.tpot_ms)}`;
  answer.append(element("span", "line", line));
  history.push(elms);
  if (history.length > REMEMBERED) history.shift();
  drawHistory();
}

// ---- What happened --------------------------------------------------------------------------------------------------------

function happened(elms, asked) {
  $("nothing").hidden = true;
  $("happened").hidden = false;
  const bounded = elms.slo.ttft_ms !== null || elms.slo.tpot_ms !== null;
  const late = elms.measured ? !elms.slo_met : !elms.feasible;
  $("verdict").textContent = !bounded ? "No limit was set: the full model." : elms.measured
    ? (late ? "Slower than you allowed." : "Both limits were kept.") : (late ? "No level is that fast; running the fastest." : "Running …");
  $("verdict").className = bounded && late ? "late" : "";
  $("bars").replaceChildren(bar("First token", elms, "ttft_ms"), bar("Next tokens", elms, "tpot_ms"));
  $("levels").replaceChildren(level("prompt", elms.prefill_level), level("answer", elms.decode_level));
  drawSpans(elms, asked);
}

function bar(name, elms, key) {
  const [measured, predicted, limit] = [elms.measured?.[key], elms.predicted[key], elms.slo[key]];
  const most = 1.15 * Math.max(measured ?? 0, predicted ?? 0, limit ?? 0) || 1;
  const made = element("div", "bar");
  const head = element("div", "name", name);
  head.append(element("span", "", measured === undefined ? "…" : millis(measured)));
  const track = element("div", "track");
  const fill = track.appendChild(element("div", limit !== null && measured > limit ? "fill late" : "fill"));
  fill.style.width = `${(100 * (measured ?? 0)) / most}%`;
  mark(track, "mark predicted", predicted, most);
  mark(track, "mark", limit, most);
  made.append(head, track, element("div", "small", `predicted ${millis(predicted)} (dotted)`
    + (limit === null ? "" : ` · limit ${millis(limit)} (line)`)));
  return made;
}

function mark(track, className, value, most) {
  if (value === null || value === undefined) return;
  track.appendChild(element("div", className)).style.left = `${(100 * value) / most}%`;
}

function level(name, value) {
  const made = element("div", "level");
  const track = element("div", "track");
  track.appendChild(element("div", "fill")).style.width = `${100 * value}%`;
  made.append(element("span", "", name), track, element("b", "", share(value)));
  return made;
}

const strength = (value) => (0.05 + 0.2 * value).toFixed(3);

// Words of what was asked, each with the level of the span that holds it, or none if it was left out: a longest common subsequence.
export function readAt(asked, spans) {
  const words = asked.match(/\S+\s*/g) ?? [];
  const read = spans.flatMap((span) => ((span.text ?? "").match(/\S+/g) ?? []).map((word) => ({ word, level: span.level })));
  const lengths = Array.from({ length: words.length + 1 }, () => new Uint16Array(read.length + 1));
  for (let i = words.length - 1; i >= 0; i--) {
    for (let j = read.length - 1; j >= 0; j--) {
      lengths[i][j] = words[i].trim() === read[j].word ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  let j = 0;
  words.forEach((text, i) => {
    while (j < read.length && words[i].trim() !== read[j].word && lengths[i][j + 1] === lengths[i][j]) j++;
    const same = j < read.length && words[i].trim() === read[j].word && lengths[i][j] === lengths[i + 1][j + 1] + 1;
    found.push({ text, level: same ? read[j++].level : null });
  });
  return found;
}

// Neighbours of one level as one piece.
function joined(words) {
  const pieces = [];
  for (const word of words) {
    if (pieces.at(-1)?.level === word.level) pieces.at(-1).text += word.text;
    else pieces.push({ ...word });
  }
  return pieces;
}

function drawSpans(elms, asked) {
  const words = readAt(asked.map((message) => message.content).join("\n"), elms.spans);
  let next = 0;
  $("spans").replaceChildren(...asked.flatMap((message) => {
    const own = words.slice(next, next += (message.content.match(/\S+/g) ?? []).length);
    return [element("span", "who", message.role), ...joined(own).map((word) => {
      const made = element(word.level === null ? "del" : "mark", "", word.text);
      if (word.level !== null) made.style.setProperty("--strength", strength(word.level));
      made.title = word.level === null ? "left out" : `read at level ${share(word.level)}`;
      return made;
    })];
  }));
  const levels = [...new Set(elms.spans.map((span) => span.level))].sort((a, b) => b - a);
  const left = words.filter((word) => word.level === null).length;
  $("legend").replaceChildren(...levels.flatMap((value) => {
    const made = element("mark", "", `level ${share(value)}`);
    made.style.setProperty("--strength", strength(value));
    return [made, " "];
  }), `${elms.prompt_tokens_after} tokens read${left ? `, ${left} words left out` : ""}`);
}

function drawHistory() {
  const [width, height, left] = [300, 96, 26];
  const relative = (elms, key) => elms.measured[key] === null ? null : elms.measured[key] / (elms.slo[key] ?? elms.predicted[key]);
  const y = (value) => height - 14 - (Math.min(value, 2) / 2) * (height - 22);
  const x = (i) => left + 10 + (i * (width - left - 20)) / Math.max(REMEMBERED - 1, 1);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  const kept = history.filter((elms) => elms.slo_met).length;
  svg.setAttribute("aria-label", `${kept} of ${history.length} answers kept their limits. Dots: time over limit; filled for the first token, rings for the rest.`);
  const draw = (tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text) made.textContent = text;
    svg.append(made);
  };
  draw("line", { class: "axis", x1: left, x2: width, y1: y(0), y2: y(0) });
  draw("line", { class: "slo", x1: left, x2: width, y1: y(1), y2: y(1) });
  draw("text", { x: 0, y: y(1) + 3 }, "limit");
  history.forEach((elms, i) => {
    for (const key of ["ttft", "tpot"]) {
      const value = relative(elms, `${key}_ms`);
      if (value !== null) draw("circle", { class: `${key}${elms.slo[`${key}_ms`] !== null && value > 1 ? " late" : ""}`, cx: x(i), cy: y(value), r: key === "ttft" ? 3 : 4.5 });
    }
  });
  $("history").replaceChildren(svg, element("p", "small", "Time over limit, or over the prediction where no limit was set. Filled: first token. Rings: every next one."));
}

// ---- Start ----------------------------------------------------------------------------------------------------------------

function grow() {
  $("prompt").style.height = "auto";
  $("prompt").style.height = `${$("prompt").scrollHeight}px`;
}

function submit() {
  const text = $("prompt").value.trim();
  if (running) running.abort();
  else if (text) {
    $("prompt").value = "";
    grow();
    ask(text);
  }
}

async function connect() {
  try {
    const models = await (await call("v1/models")).json();
    $("model").textContent = models.data[0].id;
    $("key").hidden = true;
    preview();
  } catch (failure) {
    $("model").textContent = failure.message;
    if (failure.status !== 401) setTimeout(connect, 1000);
  }
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!running) submit();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running) running.abort();
});
$("prompt").addEventListener("input", () => {
  grow();
  preview();
});
$("secret").addEventListener("change", () => {
  sessionStorage.setItem("key", $("secret").value);
  connect();
});
for (const id of ["ttft", "tpot"]) $(id).addEventListener("input", preview);
for (const idea of document.querySelectorAll(".idea")) {
  idea.addEventListener("click", () => {
    if (!running) ask(idea.textContent);
    $("prompt").focus();
  });
}
$("fresh").addEventListener("click", () => {
  running?.abort();
  messages.length = 0;
  for (const old of document.querySelectorAll(".turn")) old.remove();
  $("welcome").hidden = false;
  $("prompt").focus();
  preview();
});
showBounds();
connect();
