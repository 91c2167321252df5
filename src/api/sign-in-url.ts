/** Where the console redeems the code of a link. */
export function signInUrl(base: URL, code: string): string {
  const url = new URL('/sign-in', base)
  url.searchParams.set('code', code)
  return url.href
}
