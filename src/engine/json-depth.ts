/** SQLite takes JSON with deeper nesting for malformed. https://sqlite.org/json1.html#interface_overview */
export const DEEPEST_JSON = 1000;

/** Returns how deep objects and arrays are nested in a JSON text. */
export function depthOfJson(json: string): number {
  let [depth, deepest, isText] = [0, 0, false];
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (isText && char === '\\') i++;
    else if (char === '"') isText = !isText;
    else if (!isText && (char === '{' || char === '[')) deepest = Math.max(deepest, ++depth);
    else if (!isText && (char === '}' || char === ']')) depth--;
  }
  return deepest;
}
