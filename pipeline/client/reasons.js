/** Why a tier is out, which explain.js has words for; a module without imports, so that values are inlined. */
export const NO_RUNTIME = 1;
export const NOT_OFFERED = 2;
export const NOT_PROVED = 3;
export const HALF_UNSAFE = 4;
export const NO_HALF_SHADERS = 5;
export const TOO_LARGE = 6;
