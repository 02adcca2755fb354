/** The toy's panel: the number, on the stage of images. */
import { Stage } from "../../inputs/image/stage.js";
import "./panel.css";

export const create = async ({ stage: root, seen }) => {
  const stage = new Stage(root, seen);
  return {
    stage,
    views: [],
    code: "console.log((await model.largest(image)).index);",
    open: (manifest) => stage.open(manifest, null),
    close: () => stage.close(),
    ask: (model, { given }) => model.largest(given),
    prepare: (answer) => {
      answer.innerHTML = '<div class="first"><p class="largest"></p></div>';
    },
    draw: (answer, { answer: { index, of } }) => {
      answer.querySelector(".largest").textContent = `${of} says ${index}`;
    },
    inShort: ({ answer: { index } }) => `class ${index}`,
    compare: (a, b) => `A says ${a.answer.index}, B ${b.answer.index}.`,
  };
};
