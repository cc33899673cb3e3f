// From SVG to pixels, with the same bytes on every machine: text is drawn with the font that comes as a dependency, and
// nothing is asked of the system. Importing this loads native code.
import { createRequire } from 'node:module';
import { type RenderedImage, Resvg } from '@resvg/resvg-js';
import { fontName } from './font.js';

const { resolve } = createRequire(import.meta.url);
const fontFiles = ['400Regular/SourceSans3_400Regular.ttf', '600SemiBold/SourceSans3_600SemiBold.ttf'].map((file) =>
  resolve(`@expo-google-fonts/source-sans-3/${file}`),
);

/** Draws on white, at `scale` pixels per unit of the SVG. */
export function rasterise(svg: string, scale: number): RenderedImage {
  const image = new Resvg(svg, {
    background: '#ffffff',
    fitTo: { mode: 'zoom', value: scale },
    font: { loadSystemFonts: false, fontFiles, defaultFontFamily: fontName, sansSerifFamily: fontName },
  });
  return image.render();
}
