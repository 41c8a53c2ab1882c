this.onload = null;
const img = this;
const frames = img.dataset.frames.split(' ').concat(img.src);
const last = frames.length - 1;
const bar = document.createElement('div');
bar.style.cssText = 'display:flex;align-items:center;gap:8px;max-width:100%;width:' + Math.max(img.width, 280) + 'px';
const button = document.createElement('button');
const slider = document.createElement('input');
slider.type = 'range';
slider.min = 0;
slider.max = last;
slider.value = last;
slider.style.flex = '1';
slider.setAttribute('aria-label', 'frame');
const number = document.createElement('span');
number.style.whiteSpace = 'nowrap';
let timer = null;
const show = function (k) {
  img.src = frames[k];
  slider.value = k;
  number.textContent = (k + 1) + ' / ' + frames.length;
};
const pause = function () {
  clearInterval(timer);
  timer = null;
  button.textContent = 'Play';
};
button.onclick = function () {
  if (timer) { pause(); return; }
  if (Number(slider.value) === last) show(0);
  button.textContent = 'Pause';
  timer = setInterval(function () {
    const k = Number(slider.value);
    if (k === last || !img.isConnected) { pause(); return; }
    show(k + 1);
  }, 400);
};
slider.oninput = function () { pause(); show(Number(slider.value)); };
pause();
show(last);
bar.append(button, slider, number);
img.parentNode.append(bar);
