// Presses the button of the bind notification for the visitor.
document.getElementById('bind-notification').submit();
