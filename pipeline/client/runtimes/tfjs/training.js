/** What a page needs of TF.js to train a head on a layers model, and to keep it. */
export {
  concat,
  dispose,
  io,
  memory,
  nextFrame,
  oneHot,
  stack,
  tensor,
  tidy,
  train,
} from '@tensorflow/tfjs-core';
export { layers, loadLayersModel, model, sequential } from '@tensorflow/tfjs-layers';
