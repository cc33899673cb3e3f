// mathjs ships one bundled file beside its several thousand modules; it has the same types.
declare module 'mathjs/lib/browser/math.js' {
  import * as math from 'mathjs';
  export default math;
}
