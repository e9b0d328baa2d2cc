// The answer to an application goes on by itself; without JavaScript the person presses the button.
document.getElementById("form-post").submit();
