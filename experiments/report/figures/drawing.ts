/** A picture that is drawn already, such as a Gantt chart. */
export interface Drawing {
  readonly caption: string;
  readonly svg: string;
}

export interface WrittenFigure extends Drawing {
  /** Its files are `<name>.svg` and `<name>.png`. */
  readonly name: string;
  readonly paths: readonly string[];
}
