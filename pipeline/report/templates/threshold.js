"use strict";
(() => {
  const data = JSON.parse(document.getElementById("thresholds").textContent);
  const slider = document.getElementById("threshold");
  const put = (id, text) => { document.getElementById(id).textContent = text; };
  const percent = (part, whole) => whole ? `${(100 * part / whole).toFixed(2)} %` : "–";
  const show = () => {
    const at = Number(slider.value);
    const [tp, fp, tn, fn] = ["tp", "fp", "tn", "fn"].map((name) => data[name][at]);
    const all = tp + fp + tn + fn;
    const threshold = data.thresholds[at].toFixed(3);
    put("at", threshold);
    put("t-precision", percent(tp, tp + fp));
    put("t-recall", percent(tp, tp + fn));
    put("t-f1", percent(2 * tp, 2 * tp + fp + fn));
    put("t-accuracy", percent(tp + tn, all));
    for (const [name, count] of Object.entries({tp, fp, tn, fn})) {
      const cell = document.getElementById(`t-${name}`);
      cell.textContent = count.toLocaleString("en");
      const row = name === "tp" || name === "fn" ? tp + fn : tn + fp;
      cell.style.setProperty("--share", row ? count / row : 0);
    }
    slider.setAttribute("aria-valuetext", `${threshold}: precision ${percent(tp, tp + fp)}, recall ${percent(tp, tp + fn)}`);
  };
  slider.addEventListener("input", show);
  document.getElementById("slider").hidden = false;
  show();
})();
