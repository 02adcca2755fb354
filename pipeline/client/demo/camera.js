/** The camera: frames, cut square as the page shows them. */

/** Pixels on a side: more than the models here read. */
const SIDE = 320;

export class Camera {
  /**
   * @param {HTMLVideoElement} video
   * @param {(frame: HTMLCanvasElement) => Promise<unknown>} take what to do with a frame; the next one waits for it
   */
  constructor(video, take) {
    this._video = video;
    this._take = take;
    /** @type {MediaStream | undefined} */
    this._stream = undefined;
    this.held = false;
    /** How often it was asked for or stopped: what was asked for before is not wanted any more. */
    this._turn = 0;
  }

  /** Ask for the camera, and begin. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error(
        "This browser gives this page no camera. Open it over https or on localhost, or pick a photo.",
      );
    }
    const video = { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } };
    this.stop();
    const turn = this._turn;
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    if (turn !== this._turn) return stream.getTracks().forEach((track) => track.stop());
    this._stream = stream;
    this._video.srcObject = stream;
    await this._video.play();
    this._run(stream);
  }

  stop() {
    this._turn++;
    this._stream?.getTracks().forEach((track) => track.stop());
    this._stream = undefined;
    this._video.srcObject = null;
    this.held = false;
  }

  /** @param {boolean} held whether the picture stands still */
  hold(held) {
    this.held = held;
    if (held) this._video.pause();
    else void this._video.play();
  }

  /** The picture of now. */
  frame() {
    const { videoWidth: width, videoHeight: height } = this._video;
    const side = Math.min(width, height);
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    canvas
      .getContext("2d")
      ?.drawImage(
        this._video,
        (width - side) / 2,
        (height - side) / 2,
        side,
        side,
        0,
        0,
        SIDE,
        SIDE,
      );
    return canvas;
  }

  /** @param {MediaStream} stream */
  async _run(stream) {
    while (this._stream === stream) {
      if (!this.held && this._video.videoWidth) await this._take(this.frame()).catch(() => {});
      await new Promise((next) => requestAnimationFrame(next));
    }
  }
}
