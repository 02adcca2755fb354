for (const box of document.querySelectorAll(".snippet")) {
  const [code, button, status] = ["code", "button", "[role=status]"].map((one) =>
    box.querySelector(one),
  );
  // Only a browser knows where this folder is served.
  code.textContent = code.textContent.replaceAll(
    "https://cdn.example/",
    new URL("..", new URL(".", location)).href,
  );
  button.hidden = false;
  let over;
  button.addEventListener("click", async () => {
    clearTimeout(over);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Press Ctrl+C";
    }
    status.textContent = button.textContent;
    over = setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
