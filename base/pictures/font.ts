/** The font of every drawing: it comes as a dependency. */
export const fontName = 'Source Sans 3';
