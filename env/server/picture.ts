// What `svg` draws, as pixels: loaded when the first picture is asked for.
import { rasterise } from '../../base/pictures/rasterise.js';

/** Rows from the top, three bytes a pixel, as base64: an answer is JSON. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: string;
}

/** At one pixel per unit of the SVG. */
export function picture(svg: string): Picture {
  const { width, height, pixels } = rasterise(svg, 1);
  const rgb = Buffer.alloc(3 * width * height);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = pixels[from]!;
    rgb[to + 1] = pixels[from + 1]!;
    rgb[to + 2] = pixels[from + 2]!;
  }
  return { width, height, rgb: rgb.toString('base64') };
}
