"use strict";
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const { input, output, labels, positive } = data;
  const others = labels.map((_, n) => n).filter((n) => n !== positive);

  const bytes = Uint8Array.from(atob(data.wasm), (sign) => sign.charCodeAt(0));
  const program = (await WebAssembly.instantiate(bytes, {})).instance.exports;

  // Codes in, codes out: what the chip's program does.
  const run = (codes) => {
    new Uint8Array(program.memory.buffer, program.ts_model_input(), input.bytes).set(codes);
    program.ts_model_run();
    return new Uint8Array(program.memory.buffer, program.ts_model_output(), output.bytes).slice();
  };

  // The inputs of the golden vectors, by the formula that a board uses (ts_golden.c).
  const golden = (n) => {
    const codes = new Uint8Array(input.bytes), kind = n % 8, flip = input.low < 0 ? 0x80 : 0;
    const shape = input.planes ? [input.channels, input.height, input.width] : [input.height, input.width, input.channels];
    for (let i = 0; i < codes.length; i += 1) {
      if (kind >= 6) codes[i] = kind === 6 ? 0 : 255;
      else if (kind % 2) {
        const y = Math.floor(i / (shape[1] * shape[2])), x = Math.floor(i / shape[2]) % shape[1], c = i % shape[2];
        const wave = y * (n + 2) + x * (2 * n + 8) + c * 37 + n * 31;
        codes[i] = wave & 256 ? 511 - (wave & 511) : wave & 511;
      } else {
        let mixed = (i + Math.imul(n, 0x9E3779B9)) >>> 0;
        mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7FEB352D) >>> 0;
        mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846CA68B) >>> 0;
        codes[i] = mixed ^ (mixed >>> 16);
      }
      codes[i] ^= flip;
    }
    return codes;
  };

  const equal = data.golden.filter((wanted, n) => run(golden(n)).every((code, k) => code === wanted[k])).length;
  const sound = equal === data.golden.length;
  at("proof").textContent = sound ? `${equal} of ${equal} golden vectors equal: what you see is what the chip computes`
    : `only ${equal} of ${data.golden.length} golden vectors are equal: do not trust this page`;
  at("proof").dataset.state = sound ? "fine" : "bad";
  if (!sound) return;

  // Plain bilinear resize with half-pixel centres, no antialiasing, aspect ratio not kept.
  const axis = (from, to) => Array.from({ length: to }, (_, n) => {
    const place = Math.max(0, (n + 0.5) * from / to - 0.5), low = Math.min(Math.floor(place), from - 1);
    return [low, Math.min(low + 1, from - 1), Math.min(place - low, 1)];
  });
  const resized = (image) => {
    const rows = axis(image.height, input.height), columns = axis(image.width, input.width), pixels = image.data;
    const made = new Uint8ClampedArray(input.height * input.width * 3);
    let to = 0;
    for (const [top, bottom, down] of rows) {
      for (const [left, right, across] of columns) {
        const corners = [top * image.width + left, top * image.width + right, bottom * image.width + left, bottom * image.width + right];
        for (let c = 0; c < 3; c += 1) {
          const upper = pixels[corners[0] * 4 + c] * (1 - across) + pixels[corners[1] * 4 + c] * across;
          const lower = pixels[corners[2] * 4 + c] * (1 - across) + pixels[corners[3] * 4 + c] * across;
          made[to] = Math.round(upper * (1 - down) + lower * down);
          to += 1;
        }
      }
    }
    return made;
  };

  // Pixels 0..255 as the model's input codes. Where the input holds other values than pixels, they are spread over its range.
  const span = (input.high - input.low) * input.scale;
  const asPixel = Math.abs((input.low - input.zero_point) * input.scale) < 26 && Math.abs(span - 255) < 26;
  const code = (pixel) => {
    const value = asPixel ? pixel / input.scale + input.zero_point : pixel / 255 * (input.high - input.low) + input.low;
    return Math.max(input.low, Math.min(input.high, Math.round(value))) & 255;
  };
  const table = Uint8Array.from({ length: 256 }, (_, pixel) => code(pixel));
  const encoded = (pixels) => {
    const codes = new Uint8Array(input.bytes), places = input.height * input.width;
    for (let place = 0; place < places; place += 1) {
      const from = place * 3;
      if (input.channels === 1) {
        codes[place] = table[Math.round(0.299 * pixels[from] + 0.587 * pixels[from + 1] + 0.114 * pixels[from + 2])];
      } else {
        for (let c = 0; c < 3; c += 1) codes[input.planes ? c * places + place : from + c] = table[pixels[from + c]];
      }
    }
    return codes;
  };

  const signed = output.low < 0;
  const decoded = (codes) => Array.from(signed ? new Int8Array(codes.buffer) : codes, (value) => output.scale * (value - output.zero_point));
  // Scores come in whole steps; differences of rounded numbers do not, and the outermost would fall off the slider's ends.
  const whole = (score) => Math.round(score / output.scale) * output.scale;
  const lead = (scores) => whole(others.length ? scores[positive] - Math.max(...others.map((n) => scores[n])) : scores[positive]);

  const lowest = (output.low - output.zero_point) * output.scale, highest = (output.high - output.zero_point) * output.scale;
  const slider = at("threshold");
  const widest = whole(others.length ? highest - lowest : highest);
  Object.assign(slider, { min: others.length ? -widest : lowest, max: widest, value: others.length ? 0 : (lowest + highest) / 2 });

  const list = at("scores"), rows = labels.map((label) => {
    const row = document.createElement("li"), name = document.createElement("span");
    const meter = Object.assign(document.createElement("meter"), { min: lowest, max: highest, value: lowest });
    const number = document.createElement("output");
    name.textContent = label;
    meter.setAttribute("aria-label", label);
    row.append(name, meter, number);
    list.append(row);
    return [meter, number];
  });

  const past = [];
  const drawPast = () => {
    const canvas = at("history"), pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    labels.forEach((_, n) => {
      pen.strokeStyle = style.getPropertyValue(n === positive ? "--yes" : "--no");
      pen.lineWidth = 2;
      pen.beginPath();
      past.forEach((scores, k) => pen.lineTo(k * canvas.width / 119,
        canvas.height - 4 - (scores[n] - lowest) / (highest - lowest || 1) * (canvas.height - 8)));
      pen.stroke();
    });
  };

  const showErrors = () => {
    const threshold = Number(slider.value), known = data.margins;
    at("lead").textContent = threshold.toFixed(2);
    if (!known) return void (at("errors").textContent = "Make the page with --run to see what a threshold does to the validation images.");
    const missed = known.positive.filter((margin) => whole(margin) < threshold).length;
    const alarms = known.negative.filter((margin) => whole(margin) >= threshold).length;
    const share = (part, all) => `${part} of ${all}${all ? ` (${(100 * part / all).toFixed(1)} %)` : ""}`;
    at("errors").textContent = `On the validation images: misses ${share(missed, known.positive.length)} ${labels[positive]}, `
      + `false alarms on ${share(alarms, known.negative.length)} others.`;
  };

  let last = null;
  const showAnswer = () => {
    if (!last) return;
    const best = last.scores.indexOf(Math.max(...last.scores)), yes = lead(last.scores) >= Number(slider.value);
    const other = others.length ? others.reduce((a, b) => (last.scores[b] > last.scores[a] ? b : a)) : best;
    at("label").textContent = yes ? labels[positive] : others.length ? labels[other] : `not ${labels[positive]}`;
    at("label").dataset.side = yes ? "yes" : "no";
    last.scores.forEach((score, n) => {
      rows[n][0].value = score;
      rows[n][1].textContent = score.toFixed(2);
    });
  };
  slider.addEventListener("input", () => { showErrors(); showAnswer(); });
  showErrors();

  const sheet = document.createElement("canvas"), reader = sheet.getContext("2d", { willReadFrequently: true });
  const look = (source, width, height) => {
    // Larger frames than a camera's gain nothing and cost time; photos are read whole.
    Object.assign(sheet, { width, height });
    reader.drawImage(source, 0, 0, width, height);
    const pixels = resized(reader.getImageData(0, 0, width, height)), seen = at("seen").getContext("2d");
    const shown = seen.createImageData(input.width, input.height);
    for (let n = 0; n < input.width * input.height; n += 1) {
      shown.data.set(pixels.subarray(n * 3, n * 3 + 3), n * 4);
      shown.data[n * 4 + 3] = 255;
    }
    seen.putImageData(shown, 0, 0);
    const codes = encoded(pixels), started = performance.now(), answer = run(codes);
    last = { codes, answer, scores: decoded(answer), milliseconds: performance.now() - started };
    past.push(last.scores);
    if (past.length > 120) past.shift();
    drawPast();
    showAnswer();
  };

  const video = at("video"), photo = at("photo");
  let frames = [], playing = 0, stream = null;
  const stop = () => {
    playing += 1;
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    video.pause();
    at("stop").disabled = true;
  };
  const loop = (turn) => {
    if (turn !== playing) return;
    if (video.videoWidth && video.readyState >= 2) {
      look(video, video.videoWidth, video.videoHeight);
      const now = performance.now();
      frames = [...frames.filter((time) => now - time < 1000), now];
      at("speed").textContent = `${last.milliseconds.toFixed(0)} ms a frame here, ${frames.length} frames a second. The chip is slower.`;
    }
    setTimeout(() => requestAnimationFrame(() => loop(turn)), 0);
  };
  const show = (element) => {
    at("invite").hidden = true;
    video.hidden = element !== video;
    photo.hidden = element !== photo;
  };
  const play = async () => {
    show(video);
    await video.play();
    at("stop").disabled = false;
    loop(playing);
  };
  const say = (words) => {
    Object.assign(at("invite"), { hidden: false, textContent: words });
  };

  const open = async (file) => {
    stop();
    const address = URL.createObjectURL(file);
    if (file.type.startsWith("video/")) {
      Object.assign(video, { srcObject: null, src: address, loop: true });
      return play().catch(() => say(`${file.name} cannot be played by this browser.`));
    }
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      Object.assign(photo, { width: picture.width, height: picture.height });
      photo.getContext("2d").drawImage(picture, 0, 0);
      show(photo);
      look(picture, picture.width, picture.height);
      at("speed").textContent = `${last.milliseconds.toFixed(0)} ms here. The chip is slower.`;
    } catch {
      say(`${file.name} is no picture that this browser reads.`);
    }
  };
  at("file").addEventListener("change", (event) => event.target.files[0] && open(event.target.files[0]));
  at("drop").addEventListener("dragover", (event) => { event.preventDefault(); at("drop").dataset.over = ""; });
  at("drop").addEventListener("dragleave", () => delete at("drop").dataset.over);
  at("drop").addEventListener("drop", (event) => {
    event.preventDefault();
    delete at("drop").dataset.over;
    if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  });
  at("stop").addEventListener("click", stop);
  at("camera").addEventListener("click", async () => {
    stop();
    if (!navigator.mediaDevices) return say("This browser gives a camera only to pages from this machine or over HTTPS.");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 640 } }, audio: false });
      video.srcObject = stream;
      await play();
    } catch (error) {
      say(`No camera: ${error.message}`);
    }
  });
  // For a test that holds the page's answers against an interpreter.
  window.lastFrame = () => last && { codes: Array.from(last.codes), answer: Array.from(last.answer), label: at("label").textContent };
  document.documentElement.dataset.ready = "yes";
})();
