// Presses the button of the bind notification for the visitor, and goes on once the platform has answered, or soon
// after when it does not.
const form = document.getElementById('bind-notification');
const frame = document.getElementById('bind-answer');
const next = document.getElementById('bind-next').href;
let gone = false;
const go = () => {
  if (!gone) {
    gone = true;
    window.location.replace(next);
  }
};
form.submit();
frame.addEventListener('load', go);
setTimeout(go, 4000);
