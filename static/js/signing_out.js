// Goes on by itself when all frames have loaded, or after three seconds: an app that is down holds nobody up.
// Without JavaScript the person presses the button, by which time the frames have long been asked for.
const go = () => location.replace(document.getElementById("onward").href);
addEventListener("load", go);
setTimeout(go, 3000);
