// Elements of an SVG file as text.

/** An element with its attributes and what is in it, each child an element or escaped text. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children: readonly string[] = [],
): string {
  // A hundredth of a pixel is enough.
  const shown = (value: string | number) => (typeof value === "number" ? String(Number(value.toFixed(2))) : text(value));
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${shown(value)}"`);
  return `<${name}${list.join("")}>${children.join("\n")}</${name}>`;
}

/** Text as it stands between tags or in an attribute. */
export function text(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
