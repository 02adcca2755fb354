/**
 * What the page asks of a task: `panel.js` in its folder exports `create(host)`, which gives a panel.
 * A kind of input brings the stage in `stage.js`, which panels take.
 *
 * @typedef {object} Host what the page gives
 * @property {HTMLElement} stage where the stage stands
 * @property {HTMLElement} panel where views of its own stand, beside "Try it"
 * @property {() => Promise<unknown>} seen to be told that another item is on the stage, or none
 * @property {(news: any) => void} tell the other tabs
 *
 * @typedef {object} Item what is on the stage; another object for whatever is another value
 * @property {any} given to the model
 * @property {string} [doubt] why an answer may mean nothing
 *
 * @typedef {object} Stage
 * @property {Item | null} item
 * @property {string} waiting what to do while there is none
 * @property {() => void} clear
 * @property {(item: any) => Promise<ImageData | null> | undefined} [look] what the model gets of an item, as a picture
 *
 * @typedef {object} View
 * @property {string} name which its address ends with
 * @property {string} title
 * @property {HTMLElement} root
 * @property {boolean} shown
 * @property {string} said of what is on the stage, in short
 * @property {(shown: boolean) => void} show
 * @property {(item: any) => Promise<void>} look
 * @property {() => void} update
 * @property {() => void} clear
 *
 * @typedef {object} Panel
 * @property {Stage} stage
 * @property {View[]} views
 * @property {string} code that uses a loaded `model`
 * @property {(manifest: any, base: string) => void} open what is shown now
 * @property {() => void} close
 * @property {(news: any) => void} [hear] what another tab tells
 * @property {(model: any, item: any) => Promise<any>} ask
 * @property {(root: HTMLElement) => void} prepare what answers are drawn in; a picture of the input stands in its `.first`
 * @property {(root: HTMLElement, given: Given<any, any>) => void} draw
 * @property {(root: HTMLElement) => void} [erase] take back what it drew beyond `root`
 * @property {(given: Given<any, any>) => string} inShort an answer in one line
 * @property {(a: Given<any, any>, b: Given<any, any>) => string} compare whether two agree, in a sentence
 */

/**
 * @template I, A
 * @typedef {{ item: I, answer: A }} Given an answer, and to what
 */

export {};
