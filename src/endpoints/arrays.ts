export type Elements = readonly (string | null | Elements)[]

/**
 * The elements of an array as the server prints it: `{1,NULL,"a \"b\""}`, nested ones nested. Bounds other than from 1
 * (`[0:1]={a,b}`) are left out.
 */
export function elementsOf(text: string): Elements {
  let at = text.indexOf('{')
  const list = (): Elements => {
    const found: (string | null | Elements)[] = []
    at += 1
    while (at < text.length && text[at] !== '}') {
      if (text[at] === ',') at += 1
      else if (text[at] === '{') found.push(list())
      else if (text[at] === '"') found.push(quoted())
      else found.push(plain())
    }
    at += 1
    return found
  }
  const quoted = (): string => {
    let value = ''
    for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1
      value += text[at] ?? ''
    }
    at += 1
    return value
  }
  const plain = (): string | null => {
    const from = at
    while (at < text.length && text[at] !== ',' && text[at] !== '}') at += 1
    const value = text.slice(from, at)
    return value === 'NULL' ? null : value
  }
  return at < 0 ? [] : list()
}
