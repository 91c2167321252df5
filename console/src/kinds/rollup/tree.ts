/** What is made of what: grains below what they are made of, as lines of a list. Pure. */
export interface TreeLine<Grain> {
  readonly grain: Grain
  /** 0: made of the events. */
  readonly depth: number
}

interface Made {
  readonly grain: string
  readonly madeOf: string | null
}

/** Each after what it is made of, in the order given otherwise. */
export function treeOf<Grain extends Made>(grains: readonly Grain[]): readonly TreeLine<Grain>[] {
  const below = (of: string | null, depth: number): readonly TreeLine<Grain>[] =>
    grains
      .filter(({ madeOf }) => madeOf === of)
      .flatMap((grain) => [{ grain, depth }, ...below(grain.grain, depth + 1)])
  return below(null, 0)
}
