/** The worker as the npm package has it: one file that nothing has to bundle. */
import { work } from "../work.js";

work(self);
