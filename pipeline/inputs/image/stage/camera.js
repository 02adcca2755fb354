/** The camera: frames, cut square as the page shows them. */

/** Pixels on a side: more than the models here read. */
const SIDE = 320;

export class Camera {
  #video;
  #take;
  /** @type {MediaStream | undefined} */
  #stream;
  /** How often it was asked for or stopped: what was asked for before is not wanted any more. */
  #turn = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {(frame: HTMLCanvasElement) => Promise<unknown>} take what to do with a frame; the next one waits for it
   */
  constructor(video, take) {
    this.#video = video;
    this.#take = take;
    this.held = false;
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
    const turn = this.#turn;
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    if (turn !== this.#turn) return stream.getTracks().forEach((track) => track.stop());
    this.#stream = stream;
    this.#video.srcObject = stream;
    await this.#video.play();
    this.#run(stream);
  }

  stop() {
    this.#turn++;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.held = false;
  }

  /** @param {boolean} held whether the picture stands still */
  hold(held) {
    this.held = held;
    if (held) this.#video.pause();
    else void this.#video.play();
  }

  /** The picture of now. */
  frame() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const side = Math.min(width, height);
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    canvas
      .getContext("2d")
      ?.drawImage(
        this.#video,
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
  async #run(stream) {
    while (this.#stream === stream) {
      if (!this.held && this.#video.videoWidth) await this.#take(this.frame()).catch(() => {});
      await new Promise((next) => requestAnimationFrame(next));
    }
  }
}
