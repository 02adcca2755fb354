/** What the stage of images is made of. */

export const STAGE = `
  <h2 id="stage-title">Image</h2>
  <fieldset class="modes">
    <legend class="hidden">Where the image comes from</legend>
    <label><input type="radio" name="mode" value="draw" checked autocomplete="off"><span>Draw</span></label>
    <label><input type="radio" name="mode" value="photo" autocomplete="off"><span>Photo</span></label>
    <label><input type="radio" name="mode" value="camera" autocomplete="off"><span>Camera</span></label>
  </fieldset>
  <div id="frame" class="frame">
    <canvas id="pad" width="560" height="560" role="img" aria-label="Drawing pad. Draw with a finger, pen or mouse; by keyboard, pick a sample below."></canvas>
    <canvas id="photo" width="560" height="560" role="img" aria-label="No photo yet" hidden></canvas>
    <video id="camera" playsinline muted hidden aria-label="Live picture of the camera"></video>
    <canvas id="marks" width="560" height="560" aria-hidden="true"></canvas>
    <p id="hint" class="hint">Looking what is published here</p>
    <p id="peek" class="peek" aria-hidden="true"></p>
  </div>
  <div class="tools">
    <button type="button" id="clear" disabled>Clear</button>
    <label id="pick" class="button" hidden><input type="file" id="file" accept="image/*" class="hidden">Choose a photo</label>
    <button type="button" id="paste" hidden>Paste</button>
    <button type="button" id="freeze" hidden aria-pressed="false">Hold still</button>
  </div>
  <p id="stage-error" class="error" role="alert" hidden></p>
  <fieldset id="samples" class="samples" hidden>
    <legend>Or pick a real one</legend>
    <div class="sample-list"></div>
    <p class="quiet small"></p>
  </fieldset>

`;
