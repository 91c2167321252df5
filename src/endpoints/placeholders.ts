/** `:name` in a statement: what is quoted, a comment, a cast (`::`) or part of a word is none. Pure. */
export interface Piece {
  readonly text: string
  /** What comes after the text; null at the end. */
  readonly name: string | null
}

const token =
  /[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_\u0080-\uffff]\w*)?\$[\s\S]*?\$\1\$|::|:=|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*:(?!:)|:([A-Za-z_]\w*)/g

/** The statement in pieces, a parameter after each but the last. */
export function piecesOf(statement: string): readonly Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const match of statement.matchAll(token)) {
    const name = match[2]
    if (name === undefined) continue
    pieces.push({ text: statement.slice(from, match.index), name })
    from = match.index + match[0].length
  }
  return [...pieces, { text: statement.slice(from), name: null }]
}

/** The names, each once. */
export function namesIn(statement: string): readonly string[] {
  return [...new Set(piecesOf(statement).flatMap(({ name }) => (name === null ? [] : [name])))]
}
