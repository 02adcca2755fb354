/** What the view is made of in which the model is taught. */

export const TEACH = `
<section id="teach" aria-labelledby="teach-title" hidden>
  <h2 id="teach-title">Teach it your own classes</h2>
  <p class="quiet">The model turns each image into numbers; a small head learns, here, to tell your
    classes apart by them. Nothing leaves this browser.</p>
  <p id="teach-error" class="error" role="alert" hidden></p>
  <ul id="classes" class="classes" aria-label="Classes"></ul>
  <div class="tools">
    <button type="button" id="add-class">Add a class</button>
    <button type="button" id="train" class="primary" disabled>Train</button>
    <button type="button" id="cancel" hidden>Cancel</button>
    <p id="train-hint" class="quiet small"></p>
  </div>
  <details class="settings">
    <summary>Training settings</summary>
    <div class="choose">
      <label class="field">Epochs <input id="epochs" type="number" min="1" max="1000" value="40"></label>
      <label class="field">Hidden units <input id="units" type="number" min="0" max="1024" value="64"></label>
      <label class="field">Learning rate <input id="rate" type="number" min="0.00001" max="1" step="any" value="0.001"></label>
    </div>
  </details>
  <div id="live" class="card side" hidden>
    <h3>Your model says</h3>
    <p class="waiting quiet">Give it an image.</p>
    <div class="answer" hidden>
    <p class="top"><span class="top-label"></span> <span class="top-score"></span></p>
    <p class="doubt small" hidden></p>
    <ol class="bars"></ol>
    <p class="quiet small" id="live-time"></p>
    </div>
  </div>
  <div id="training" class="card" hidden>
    <p id="training-text" role="status"></p>
    <svg id="plot" viewBox="0 0 480 200" role="img" aria-label="Loss and accuracy by epoch"></svg>
  </div>
  <h3>Keep it</h3>
  <div class="tools">
    <button type="button" id="save" disabled>Save in this browser</button>
    <button type="button" id="restore" hidden>Load the saved one</button>
    <button type="button" id="export" disabled>Export</button>
    <label class="button"><input type="file" id="import" class="hidden" multiple accept=".zip,.json,.bin">Import</label>
  </div>
  <p id="kept" class="quiet small" role="status"></p>
</section>
`;

export const CLASS = `
<li class="card class">
  <label class="field">Name of the class <input type="text" class="class-name" maxlength="40"></label>
  <p class="count quiet small" role="status"></p>
  <ul class="thumbs"></ul>
  <div class="tools">
    <button type="button" class="add">Add the image</button>
    <button type="button" class="burst" hidden>Record 20</button>
    <label class="button"><input type="file" class="hidden files-input" accept="image/*" multiple>Files</label>
    <button type="button" class="remove">Remove</button>
  </div>
</li>
`;
