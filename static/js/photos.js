// Photos on their way: made smaller on the phone, which spares a weak signal and is all that is kept
// of them anyway; what is too large is said beside the field; how much has been sent is shown.
(() => {
  "use strict";
  const LONGEST = 2400; // pixels of a side: twice the widest picture that is shown
  const SMALL = 600 * 1024; // bytes that are sent as they are
  const QUALITY = 0.88;

  const smaller = async (file, mostPixels) => {
    if (file.size < SMALL) return file;
    try {
      const image = await createImageBitmap(file);
      const scale = LONGEST / Math.max(image.width, image.height);
      if (scale >= 1 && image.width * image.height <= mostPixels) return file;
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(image.width * Math.min(scale, 1));
      canvas.height = Math.round(image.height * Math.min(scale, 1));
      const pen = canvas.getContext("2d");
      pen.imageSmoothingQuality = "high";
      pen.fillStyle = "#fbf7f0";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      image.close();
      const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", QUALITY); });
      return blob && blob.size < file.size ? new File([blob], "foto.jpg", { type: "image/jpeg" }) : file;
    } catch {
      return file; // what this browser cannot read, the server may, or say why not
    }
  };

  document.addEventListener("change", async ({ target }) => {
    const form = target.closest("form[data-photos]");
    if (!form || target.type !== "file" || !target.files.length) return;
    const error = form.querySelector("[role=alert]");
    const say = (text) => {
      error.textContent = text;
      error.hidden = !text;
    };
    say("");
    const chosen = new DataTransfer();
    for (const file of [...target.files]) {
      const fit = await smaller(file, Number(form.dataset.mostPixels));
      if (fit.size > Number(form.dataset.mostBytes)) {
        say(form.dataset.tooLarge);
        target.value = "";
        return;
      }
      chosen.items.add(fit);
    }
    target.files = chosen.files;
    form.requestSubmit();
  });

  document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
    const bar = target.matches("form[data-photos]") && target.querySelector("progress");
    if (!bar || !detail.lengthComputable) return;
    bar.hidden = false;
    bar.value = (100 * detail.loaded) / detail.total;
  });
})();
