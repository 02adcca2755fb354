for (const text of document.querySelectorAll("pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      // Pages that came without TLS have no clipboard: what is selected can be copied by hand.
      getSelection().selectAllChildren(text);
      button.textContent = "Selected: press Ctrl+C or ⌘C";
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, 3000);
  };
  const status = document.createElement("div");
  status.className = "copy";
  status.setAttribute("aria-live", "polite");
  status.append(button);
  text.before(status);
}
